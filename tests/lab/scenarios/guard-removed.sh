# Somebody removes the routes and the blackhole routes of a tunnel while the daemon cannot put them back: nothing for behind the tunnel leaves in clear. A LAN
# of ours within the tunnel's prefix is reached as before.
# timeout: 90
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10

# dropped: packets that chain leave has dropped so far
dropped()
{
	in_ns gw nft -j list chain inet s2sd leave | jq '[.nftables[].rule? // empty | .expr[]? | .counter? // empty | .packets] | add'
}

leaves_by_lan2()
{
	in_ns gw nft list set inet s2sd elsewhere4 | grep '10.20.0.128/25' >/dev/null
}

[ "$(dropped)" -eq 0 ] || fail "packets of a healthy tunnel were dropped: $(dropped)"
kill -STOP "$(s2sd_pid)"
in_ns gw ip route flush proto 213
in_ns gw-host ping -c 5 -i 0.2 -W 1 10.20.0.10 >"$L/ping-without-routes" 2>&1 && fail "answers without a route into the tunnel"
in_ns gw ping -c 2 -i 0.2 -W 1 10.20.0.10 >>"$L/ping-without-routes" 2>&1 && fail "answers for ourselves without a route into the tunnel"
[ "$(dropped)" -eq 7 ] || fail "expected 7 dropped packets, saw $(dropped): $(in_ns gw nft list chain inet s2sd leave)"
kill -CONT "$(s2sd_pid)"
wait_ping gw-host 10.20.0.10

note "a LAN within the tunnel's prefix"
ip -n gw link add lan2 type dummy
ip -n gw addr add 10.20.0.129/25 dev lan2
ip -n gw link set lan2 up
wait_for 5 "the LAN's prefix in the set elsewhere4" leaves_by_lan2
before=$(dropped)
ip -n gw neigh add 10.20.0.200 lladdr 02:00:00:00:00:01 dev lan2
in_ns gw-host ping -c 3 -i 0.2 -W 1 10.20.0.200 >>"$L/ping-without-routes" 2>&1 && fail "the dummy LAN answers"
[ "$(dropped)" -eq "$before" ] || fail "packets to a LAN of ours were dropped"
sent=$(ip -n gw -s -j link show lan2 | jq '.[0].stats64.tx.packets')
[ "$sent" -ge 3 ] || fail "only $sent packets went to the LAN"
ip -n gw link del lan2
no_lan2()
{
	! leaves_by_lan2
}
wait_for 5 "the LAN's prefix has gone from elsewhere4" no_lan2
ping_lossless gw-host 10.20.0.10 10 0.1
s2sd_stop
kernel_is_clean
no_clear_text esp
