# Something of somebody else's has the name of our interface: it is left alone, and explain names it.
#
#   gw-host ---- gw ---------------- inet ---------------- aws ---- aws-host
#   10.1.0.10    198.51.100.7                    203.0.113.10       10.20.0.10
# timeout: 90
. "$LAB/explain.sh"
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
peer_start aws aws inside=169.254.21.1/30 routes=10.1.0.0/24

ip -n gw link add s2s-aws type dummy
key aws.psk lab-secret
s2sd_start <<-END
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
END
expect_verdict aws kernel
expect_words '.evidence | join(";")' 'interface s2s-aws'
expect_words .blame local
ip -n gw -d link show s2s-aws | grep -q dummy || fail "the foreign interface is gone"
s2sd_stop
ip -n gw link del s2s-aws
s2sd_run
wait_up aws
expect_first aws up
s2sd_stop
