# FRR with what `s2sctl export frr` writes, BGP over both tunnels: the sessions stay up over restart, kill -9 and the upgrade of s2sd.
# timeout: 150
sed -i 's/^bgpd=no/bgpd=yes/' /etc/frr/daemons
s2sctl export frr >"$L/export"
cat "$L/export" >>/etc/frr/frr.conf
systemctl restart frr
mkdir -p /etc/frr/cloud
cat >/etc/frr/cloud/frr.conf <<-END
	router bgp 64512
	 bgp router-id 10.20.0.1
	 no bgp ebgp-requires-policy
	 neighbor 169.254.60.2 remote-as 65010
	 neighbor 169.254.61.2 remote-as 65010
	 address-family ipv4 unicast
	  network 10.20.0.0/16
END
chown -R frr:frr /etc/frr/cloud
mkdir -p /run/frr/cloud
chown frr:frr /run/frr/cloud
for daemon in zebra bgpd; do
	ip netns exec cloud /usr/lib/frr/$daemon -d -N cloud -f /etc/frr/cloud/frr.conf >>"$L/frr" 2>&1 || fail "$daemon in the cloud: $(tail -n 1 "$L/frr")"
done
peers()
{
	vtysh -c 'show bgp ipv4 unicast summary json' | jq -c '[.peers[] | [.state, .connectionsEstablished, .connectionsDropped]]'
}
wait_for 120 "two BGP sessions" eval '[ "$(peers)" = "[[\"Established\",1,0],[\"Established\",1,0]]" ]'
ip route show proto bgp >"$L/routes"
systemctl restart s2sd
wait_up
kill -9 "$(keeper)"
sleep 1
wait_up
kill -9 "$(engine)"
wait_up
# Longer than the hold time of a peer that had not been heard.
sleep 12
[ "$(peers)" = '[["Established",1,0],["Established",1,0]]' ] || fail "a session fell: $(peers)"
