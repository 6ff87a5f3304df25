# Two tunnels to the same network, as AWS gives them: the better one falls silent, traffic goes on over the other within seconds, and
# returns when the better one is back.
#
#                                       .---- aws1 203.0.113.10 ----.
#   gw-host ---- gw  198.51.100.7 --- inet                           core ---- 10.20.0.10
#   10.1.0.10                           `---- aws2 192.0.2.10 ------'
# timeout: 90
internet
site gw 198.51.100.7 10.1.0
site aws1 203.0.113.10 10.51.0
site aws2 192.0.2.10 10.52.0
watch_outside
# Behind both stands one router with the network that matters; it answers by the way a packet came.
namespaces core
for n in 1 2; do
	ip -n core link add "to$n" type veth peer name core netns "aws$n"
	ip -n core addr add "10.6$n.0.1/30" dev "to$n"
	ip -n core link set "to$n" up
	ip -n "aws$n" addr add "10.6$n.0.2/30" dev core
	ip -n "aws$n" link set core up
	ip -n "aws$n" route add 10.20.0.0/24 via "10.6$n.0.1"
	in_ns "aws$n" nft "add table ip lab; add chain ip lab post { type nat hook postrouting priority 100; };
		add rule ip lab post oifname \"core\" masquerade"
done
ip -n core addr add 10.20.0.10/32 dev lo
peer_start aws1 aws inside=169.254.21.1/30 routes=10.1.0.0/24 psk=key-of-the-first-aws
peer_start aws2 aws inside=169.254.22.1/30 routes=10.1.0.0/24 psk=key-of-the-second-aws

key aws1.psk key-of-the-first-aws
key aws2.psk key-of-the-second-aws
s2sd_start <<-END
	tunnels:
	  aws-1:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws1.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	    route-metric: 50
	    dpd-interval: 2s
	    failover-after: 2s
	  aws-2:
	    cloud: aws
	    remote: 192.0.2.10
	    psk-file: aws2.psk
	    inside: 169.254.22.2/30
	    routes: [10.20.0.0/24]
	    dpd-interval: 2s
	    failover-after: 2s
END
wait_up aws-1
wait_up aws-2
wait_ping gw-host 10.20.0.10
used=$(counter aws-2 packets_out)
ping_lossless gw-host 10.20.0.10 20 0.05
[ $(( $(counter aws-2 packets_out) - used )) -lt 10 ] || fail "traffic takes the worse way while the better is up"

cut_path aws1
wait_ping gw-host 10.20.0.10 10
ping_lossless gw-host 10.20.0.10 20 0.05
expect_status aws-2 .state up
heal_path aws1
wait_up aws-1 40
back_on_the_better()
{
	[[ $(ip -n gw route get 10.20.0.10) == *s2s-aws-1* ]]
}
wait_for 20 "traffic back on aws-1" back_on_the_better
ping_lossless gw-host 10.20.0.10 20 0.05
s2sd_stop
kernel_is_clean
no_clear_text esp
