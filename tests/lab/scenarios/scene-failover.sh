# Four tunnels with BGP to two clouds: a tunnel falls silent, an endpoint says goodbye, an instance dies. Traffic moves to the other tunnel
# of the same cloud within seconds, measured at the host behind us, and returns without a packet lost.
#
#                                  .-- aws1   203.0.113.10 --.
#                                 /                           >-- aws-host    10.20.0.10
#   gw-host ---- gw ------ inet -+--- aws2   203.0.113.20 ---'
#   10.1.0.10    198.51.100.7    |\
#                FRR             | '- azure1 192.0.2.10 -----.
#                                 \                           >-- azure-host  10.30.0.10
#                                  '- azure2 192.0.2.20 -----'
# open: not yet shown to pass on a quiet machine
# timeout: 400
# needs: routing
. "$LAB/clouds.sh"
both_clouds
in_ns gw sh -c 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy'
wait_ping gw-host 10.20.0.10
wait_ping gw-host 10.30.0.10

# moved CLOUD PREFIX ADDRESS HOW LIMIT COMMAND: the endpoint that carries a flow of pings suffers COMMAND; how long nothing is answered.
hit=''
moved()
{
	local cloud=$1 prefix=$2 address=$3 how=$4 limit=$5 way n gap

	ping_begin gw-host "$address" 0.05
	way=$(ping_way "$prefix")
	n=${way##*-}
	hit=$cloud$n
	"$6" "$hit"
	wait_ways gw "$prefix" "s2s-$cloud-$(( 3 - n ))" 15
	wait_ping gw-host "$address" 10
	pause 1
	gap=$(ping_gap gw-host)
	echo "$how: $gap ms" >>"$L/measured"
	note "$how ($hit): nothing was answered for $gap ms"
	[ "$gap" -lt "$limit" ] || fail "$how: traffic moved after $gap ms, expected less than $limit ms"
	expect_status "$cloud-$(( 3 - n ))" .state up
}

# returned CLOUD PREFIX ADDRESS COMMAND: all is as before, and nothing was lost on the way. What the cloud sends of its own accord goes into the
# dead tunnel until the cloud itself has noticed; that is waited for first.
returned()
{
	wait_ping "$1-host" 10.1.0.10 45
	ping_begin gw-host "$3" 0.02
	ping_begin "$1-host" 10.1.0.10 0.02
	"$4" "$hit"
	wait_up "$1-${hit: -1}" 60
	wait_sessions gw 4 100
	wait_ways gw "$2" "s2s-$1-1 s2s-$1-2" 20
	pause 2
	ping_end gw-host
	ping_end "$1-host"
}

moved aws 10.20.0.0/24 10.20.0.10 "a tunnel falls silent" 6000 mute_path
returned aws 10.20.0.0/24 10.20.0.10 unmute_path
moved azure 10.30.0.0/24 10.30.0.10 "an instance dies" 6000 instance_dies
returned azure 10.30.0.0/24 10.30.0.10 instance_returns
moved aws 10.20.0.0/24 10.20.0.10 "an endpoint says goodbye" 1000 peer_stop
returned aws 10.20.0.0/24 10.20.0.10 peer_run

frr_stop gw
s2sd_stop
kernel_is_clean
no_clear_text esp
