# The same tunnel on a VTI, for those whose tools know nothing else.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
watch_outside
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24

key aws.psk lab-secret
s2sd_start <<-END
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	    interface-type: vti
END
wait_up aws
[[ $(ip -n gw -d link show s2s-aws) == *' vti '* ]] || fail "s2s-aws is no VTI: $(ip -n gw -d link show s2s-aws | tr '\n' ' ')"
ping_lossless gw-host 10.20.0.10 30 0.02
ping_lossless aws-host 10.1.0.10 20 0.02
ping_begin gw-host 10.20.0.10 0.02
old=$(child_spis aws)
ctl rekey aws
wait_new child aws "$old"
old=$(child_spis aws)
peer_rekey aws child
wait_new child aws "$old"
ping_end gw-host
s2sd_stop
kernel_is_clean
no_clear_text esp
