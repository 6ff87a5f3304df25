# BGP over a tunnel that is up, with FRR here and at the endpoint: why the session is not up, each cause made and mended, and what explain says of it.
# timeout: 240
# needs: routing
. "$LAB/bgp.sh"
aws_world
aws_start 'routes: []' "$bgp_block"
wait_up aws
ordinary_place frr

# Nobody speaks BGP here; FRR without its bgpd; FRR without the session. What is advised is done.
expect_verdict aws bgp-no-daemon
expect_words .blame local
expect_words '.evidence[0]' "neither FRR's bgpd nor BIRD"
frr_start gw
kill "$(cat "$W/frr-gw/bgpd.pid")"
wait_for $(( 10 * slack )) "bgpd of gw ends" is_gone "$(cat "$W/frr-gw/bgpd.pid")"
expect_verdict aws bgp-no-daemon
expect_words .here 'bgpd=yes'
exec_in gw setsid /usr/lib/frr/bgpd -u frr -g frr --vty_socket "$W/frr-gw" -z "$W/frr-gw/zserv.api" -i "$W/frr-gw/bgpd.pid" \
	-f "$W/frr-gw/bgpd.conf" -A 127.0.0.1 -P 0 --log stdout >>"$L/frr-gw-bgpd.log" 2>&1 &
expect_verdict aws bgp-not-configured
expect_words .here 's2sctl export frr'
here 'router bgp 65010' 'bgp router-id 10.9.9.9' 'neighbor 169.254.21.9 remote-as 64512'
expect_verdict aws bgp-not-configured
expect_words '.evidence[0]' '1 other session'
here 'no router bgp 65010'
frr_take gw

# Nobody listens there; then somebody who does not know us.
expect_verdict aws bgp-refused
expect_words .blame peer
expect_words .there 'Dynamic'
frr_start aws
there 'router bgp 64512' 'bgp router-id 169.254.21.1' 'neighbor 169.254.21.9 remote-as 65010'
expect_verdict aws bgp-refused
# Its firewall drops what we send.
drop_bgp aws
expect_verdict aws bgp-no-answer
expect_words '.evidence | join(";")' 'waits for an answer'
pass_bgp aws
there_speaks
expect_bgp_fine
wait_sessions gw 1 20

# Shut down: here, there, taken away there.
here 'router bgp 65010' 'neighbor 169.254.21.1 shutdown'
expect_first aws bgp-shutdown
expect_words .blame operator
mend
expect_bgp_fine
there 'router bgp 64512' 'neighbor 169.254.21.2 shutdown message planned work'
expect_verdict aws bgp-shutdown-there
expect_words '.evidence | join(";")' 'planned work'
there 'router bgp 64512' 'no neighbor 169.254.21.2 shutdown'
expect_bgp_fine
there 'router bgp 64512' 'no neighbor 169.254.21.2'
expect_verdict aws bgp-shutdown-there
there_speaks
expect_bgp_fine

# AS numbers: ours against the settings, the peer's against ours, ours against what the peer expects.
here 'router bgp 65010' 'neighbor 169.254.21.1 remote-as 64513'
expect_verdict aws bgp-settings
expect_words '.evidence | join(";")' "expects the peer to be AS 64513, 'peer-as' is 64512"
aws_reload 'routes: []' "${bgp_block/64512/64513}"
expect_verdict aws bgp-peer-as
expect_words .text 'is not AS 64513'
aws_reload 'routes: []' "$bgp_block"
expect_verdict aws bgp-settings
here 'router bgp 65010' 'neighbor 169.254.21.1 remote-as 64512'
expect_bgp_fine
there 'router bgp 64512' 'neighbor 169.254.21.2 remote-as 65011'
expect_verdict aws bgp-local-as 40
expect_words .there 'BGP ASN must be 65010'
there 'router bgp 64512' 'neighbor 169.254.21.2 remote-as 65010'
expect_bgp_fine
# Another reason that has no verdict of its own is told in the words of the daemon.
here 'router bgp 65010' 'address-family ipv4 unicast' 'no neighbor 169.254.21.1 activate'
expect_verdict aws bgp-down
expect_words '.evidence | join(";")' 'last error: (No AFI/SAFI activated|OPEN Message Error|Cease/Other Configuration Change)'
here 'router bgp 65010' 'address-family ipv4 unicast' 'neighbor 169.254.21.1 activate'
expect_bgp_fine

# Silence: of a session that was up; of the first word; by a rule of our own.
drop_bgp aws
expect_verdict aws bgp-hold-timer 60
expect_words .blame network
pass_bgp aws
expect_bgp_fine
own_rule gw output 'tcp dport 179 drop; tcp sport 179 drop'
expect_verdict aws bgp-firewall 60
expect_words .text 'rule with handle [0-9]+ of chain inet filter output'
mend
expect_bgp_fine
own_rule gw input 'ip saddr 169.254.21.1 drop'
expect_verdict aws bgp-firewall 60
expect_words '.evidence | join(";")' "the peer's answers"
mend
expect_bgp_fine
in_ns gw nft delete table inet filter

# Passwords: here only, there only.
here 'router bgp 65010' 'neighbor 169.254.21.1 password secret'
expect_verdict aws bgp-password
expect_words '.evidence | join(";")' 'a password is set here'
here 'router bgp 65010' 'no neighbor 169.254.21.1 password'
expect_bgp_fine
there 'router bgp 64512' 'neighbor 169.254.21.2 password secret'
expect_verdict aws bgp-password 40
expect_words '.evidence | join(";")' 'signed segments came where none are expected'
there 'router bgp 64512' 'no neighbor 169.254.21.2 password'
expect_bgp_fine

# Who may not ask is told so, and not that there is nobody; a bgpd that does not answer costs two seconds and is named.
in_ns gw setpriv --reuid 65534 --regid 65534 --groups "$(stat -c %g "$W/s2sd-gw/run/control.sock")" --no-new-privs \
	"$S2SCTL" explain aws -r "$W/s2sd-gw/run" >"$L/unprivileged"
grep -q 'not seen: BGP: FRR may be asked by root and the group frrvty only' "$L/unprivileged" || fail "explain to somebody without rights: $(cat "$L/unprivileged")"
! grep -q 'routing daemon runs' "$L/unprivileged" || fail "explain to somebody without rights knows too much: $(cat "$L/unprivileged")"
before=$(now_ms)
ctl explain aws >/dev/null
usual=$(( $(now_ms) - before ))
kill -STOP "$(cat "$W/frr-gw/bgpd.pid")"
before=$(now_ms)
ctl explain aws --json >"$W/hanging"
took=$(( $(now_ms) - before ))
kill -CONT "$(cat "$W/frr-gw/bgpd.pid")"
jq -e '[.verdict, .also[]] | map(.code) | index("bgp-hangs")' "$W/hanging" >/dev/null || fail "a stopped bgpd is not named: $(head -c 300 "$W/hanging")"
[ "$took" -le $(( 2500 + usual )) ] || fail "a stopped bgpd costs $took ms, without it explain takes $usual ms"
note "a stopped bgpd costs $took ms; explain takes $usual ms"
kill -STOP "$(cat "$W/frr-gw/bgpd.pid")"
expect_verdict aws bgp-hangs
kill -CONT "$(cat "$W/frr-gw/bgpd.pid")"
expect_bgp_fine
kill "$pings"
s2sd_stop
