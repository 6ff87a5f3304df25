# Our gateway between two clouds: what `make demo` shows. Both tunnels up, traffic from each cloud to the other through us.
#
#                                                             .--- aws ------------ aws-host
#                                                            /     203.0.113.10     10.20.0.10
#                                                           /      169.254.21.1     waits for us, PFS
#    gw-host ------- gw  (s2sd) ------------ internet -----<
#    10.1.0.10       198.51.100.7                           \
#                    s2s-aws    169.254.21.2/30              \     192.0.2.10       dials as we do, rekeys without PFS
#                    s2s-azure  169.254.21.6/30               '--- azure ---------- azure-host
#                                                                  169.254.21.5     10.30.0.10
# timeout: 60
internet
site gw 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
site azure 192.0.2.10 10.30.0
watch_outside
peer_start aws aws inside=169.254.21.1/30 routes="10.1.0.0/24 10.30.0.0/24" psk=Lab.Secret_of_aws

key aws.psk Lab.Secret_of_aws
key azure.psk Lab.Secret_of_azure
s2sd_start <<-END
	tunnels:
	  aws:
	    cloud: aws
	    remote: 203.0.113.10
	    psk-file: aws.psk
	    inside: 169.254.21.2/30
	    routes: [10.20.0.0/24]
	  azure:
	    cloud: azure
	    remote: 192.0.2.10
	    psk-file: azure.psk
	    inside: 169.254.21.6/30
	    routes: [10.30.0.0/24]
END
peer_start azure azure inside=169.254.21.5/30 routes="10.1.0.0/24 10.20.0.0/24" psk=Lab.Secret_of_azure
wait_up aws
wait_up azure
wait_ping gw-host 10.20.0.10
wait_ping gw-host 10.30.0.10
wait_status azure '.children | length' 1 60

show()
{
	printf '\n$ %s\n' "$1"
	shift
	"$@"
}

{
	show 'ping 10.20.0.10       # from our host to the one behind AWS' in_ns gw-host ping -q -c 20 -i 0.05 -W 2 10.20.0.10
	show 'ping 10.30.0.10       # from our host to the one behind Azure' in_ns gw-host ping -q -c 20 -i 0.05 -W 2 10.30.0.10
	show 'ping 10.30.0.10       # from the host behind AWS to the one behind Azure, through both' \
		in_ns aws-host ping -q -c 20 -i 0.05 -W 2 10.30.0.10
} >"$L/pings"
[ "$(grep -c ' 20 received' "$L/pings")" -eq 3 ] || fail "pings are lost: $(grep transmitted "$L/pings" | tr '\n' ' ')"
[ "$(counter aws packets_out)" -ge 40 ] || fail "the tunnel to AWS counts $(counter aws packets_out) packets out, at least 40 were"
[ "$(counter azure packets_out)" -ge 40 ] || fail "the tunnel to Azure counts $(counter azure packets_out) packets out, at least 40 were"
no_clear_text esp

{
	cat "$W/s2sd-gw/s2sd.yaml"
	cat "$L/pings"
	show 's2sctl status' ctl status
	show 's2sctl show aws' ctl show aws
	show 's2sctl show azure' ctl show azure
	show 'ip route' ip -n gw route
	# Each SA in one line of the kernel's own counters; its keys are nobody's business.
	show 'ip -s xfrm state    # one line per SA' in_ns gw sh -c "ip -s xfrm state | awk '
		\$1 == \"src\" { way = \$2 \" -> \" \$4 }
		\$1 == \"proto\" { spi = \$4 }
		/\\(bytes\\)/ && /packets/ { gsub(/[(),]/, \" \"); print \"  \" way \"  spi \" substr(spi, 1, 10) \"  \" \$3 \" packets, \" \$1 \" bytes\" }'"
	show 'tcpdump, outside' true
	echo "$(count_outside esp) ESP packets, $(count_outside 'udp port 500 or udp port 4500') of IKE," \
		"$(count_outside 'net 10.0.0.0/8 or net 169.254.0.0/16') in clear"
} >"$L/report"
s2sd_stop
kernel_is_clean
