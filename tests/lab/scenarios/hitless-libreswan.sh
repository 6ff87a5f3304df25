# As hitless, with Libreswan as a policy-based peer, which rekeys as it likes.
#
#   gw-host ---- gw ---------------- inet ---------------- lsw ---- lsw-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 120
# lasts: HITLESS_SECONDS
# needs: libreswan
. "$LAB/libreswan.sh"
. "$LAB/hitless.sh"
internet
site gw 198.51.100.7 10.1.0
site lsw 203.0.113.10 10.20.0
watch_outside
libreswan_start lsw psk=secret-of-both-for-lsw left=10.20.0.0/24 right=10.1.0.0/24
kernel_before gw
s2sd_configure < <(echo tunnels:; tunnel_conf lsw 203.0.113.10 169.254.21.2/30 10.20.0.0/24 'local-ts: 10.1.0.0/24' 'remote-ts: 10.20.0.0/24')
managed_start
wait_up lsw
wait_ping gw-host 10.20.0.10
dialled=$(dials)
ping_begin gw-host 10.20.0.10 0.01

# It says when it is done. Libreswan sends by a new child as soon as it has answered our request for one (scenario libreswan), so only it rekeys here.
theirs()
{
	local what=ipsec

	[ "$2" = child ] || what=ike
	whack lsw --rekey-$what --name net
}
ours=0
deaths lsw
pause 3
ping_end gw-host
[ "$(dials)" = "$dialled" ] || fail "$dialled messages of IKE_SA_INIT before the deaths, $(dials) after them"
managed_stop
kernel_is_clean
wire_is_clean
no_clear_text esp
