# We only answer: one peer is known by its address, the other may come from anywhere and is known by its name.
#
#                                    inet ------ aws ------- aws-host       dials from its address
#   gw-host ---- gw -------------- /      \      203.0.113.10  10.20.0.10
#   10.1.0.10    198.51.100.7              ----- branch ---- branch-host    dials from anywhere as branch.example.net
#                                                192.0.2.77    10.40.0.10
# timeout: 60
aws_sites
site branch 192.0.2.77 10.40.0
peer_start aws none inside=169.254.21.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-aws
peer_start branch none inside=169.254.22.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-branch id=branch.example.net

s2sd_start < <(
	echo tunnels:
	tunnel_conf aws 203.0.113.10 169.254.21.2/30 10.20.0.0/24 'start: respond'
	tunnel_conf branch any 169.254.22.2/30 10.40.0.0/24 'remote-id: branch.example.net' 'start: respond'
)
expect_status aws .state down
expect_status branch .state down
expect_no_ping gw-host 10.20.0.10
capture_is_complete
[ "$(count_outside "src host 198.51.100.7 and udp")" -eq 0 ] || fail "we dialled, though we are to answer only"

peer_dial aws
peer_dial branch
wait_up aws
wait_up branch
expect_status aws .ike.role responder
expect_status branch .ike.role responder
expect_status branch .remote 192.0.2.77:500
ping_lossless gw-host 10.20.0.10 20 0.05
ping_lossless gw-host 10.40.0.10 20 0.05
ping_lossless branch-host 10.1.0.10 20 0.05

# The same name with a wrong key gets nowhere, and does not disturb the one who is up.
old=$(child_spis branch)
swan branch --terminate --ike peer >>"$L/peer-branch.out" 2>&1
wait_status branch .state down
peer_edit branch 's/secret-of-both-for-branch/secret-of-nobody/'
if swan branch --initiate --child net --timeout 10 >>"$L/peer-branch.out" 2>&1; then fail "a wrong key was let in"; fi
expect_status branch .state down
expect_error branch 'key|authentication'
expect_status aws .state up

s2sd_stop
kernel_is_clean
no_clear_text esp
