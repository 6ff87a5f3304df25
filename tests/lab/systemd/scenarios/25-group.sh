# Whoever is in the group s2sd sees and orders; whoever is not is told so, and how to get in; nobody but root sees keys.
# timeout: 60
useradd -m -G s2sd member
useradd -m stranger
as()
{
	status_of runuser -u "$@"
}
as member -- s2sctl status
[ $status = 0 ] && [[ $said == *$aws-1* ]] || fail "a member's status: $status: $said"
as member -- s2sctl rekey $aws-1
[ $status = 0 ] || fail "a member's rekey: $status: $said"
as stranger -- s2sctl status
[ $status != 0 ] && [[ $said == *s2sd* ]] || fail "a stranger's status: $status: $said"
as stranger -- s2sctl down $aws-1
[ $status != 0 ] || fail "a stranger may order"
for who in member stranger; do
	as $who -- cat /etc/s2sd/keys/$aws-1.psk
	[ $status != 0 ] || fail "$who reads a key"
done
tunnels_up || fail "a tunnel is down"
userdel -r member 2>/dev/null
userdel -r stranger 2>/dev/null
