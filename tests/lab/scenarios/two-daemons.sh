# Two daemons on one machine, each in a network namespace with its own run directory: one comes, crashes and goes, the other
# is not touched.
#
#   gw-host ---- gw  198.51.100.7 ----\                  /---- aws 203.0.113.10 ---- aws-host
#                                       ----- inet -----
#   gw2-host --- gw2 198.18.0.7 ------/                  \---- azure 192.0.2.10 ---- azure-host
# timeout: 80
internet
site gw 198.51.100.7 10.1.0
site gw2 198.18.0.7 10.2.0
site aws 203.0.113.10 10.20.0
site azure 192.0.2.10 10.30.0
watch_outside
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24
peer_start azure azure us=gw2 start=listen inside=169.254.21.5/30 routes=10.2.0.0/24

key t.psk lab-secret-of-both-ends
key t.psk lab-secret-of-both-ends gw2
s2sd_start gw <<-END
	tunnels:
	  t:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: t.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
END
s2sd_start gw2 <<-END
	tunnels:
	  t:
	    cloud: azure
	    remote: 192.0.2.10
	    psk-file: t.psk
	    inside: 169.254.21.6/30
	    routes: [10.30.0.0/24]
END
wait_up t 20 gw
wait_up t 20 gw2
wait_ping gw2-host 10.30.0.10
wait_ping gw-host 10.20.0.10
old=$(child_spis t gw2)
ping_begin gw2-host 10.30.0.10 0.02
s2sd_kill9 gw
s2sd_run gw
wait_up t 20 gw
wait_ping gw-host 10.20.0.10
s2sd_stop gw
ping_end gw2-host
[ "$(child_spis t gw2)" = "$old" ] || fail "the other daemon's SAs changed: $old, now $(child_spis t gw2)"
kernel_is_clean gw
s2sd_stop gw2
kernel_is_clean gw2
no_clear_text esp
