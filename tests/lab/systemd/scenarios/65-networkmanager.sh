# The uplink is NetworkManager's: it takes the tunnels' interfaces for nobody's, and what is ours outlives `nmcli con up`, reapply and its restart.
# timeout: 150
systemctl stop systemd-networkd.socket systemd-networkd
mkdir -p /etc/NetworkManager/conf.d /etc/NetworkManager/system-connections
printf '[keyfile]\nunmanaged-devices=interface-name:lan0\n' >/etc/NetworkManager/conf.d/lab.conf
cat >/etc/NetworkManager/system-connections/up0.nmconnection <<-END
	[connection]
	id=up0
	type=ethernet
	interface-name=up0
	[ethernet]
	[ipv4]
	method=manual
	address1=198.51.100.7/24,198.51.100.1
	[ipv6]
	method=disabled
END
chmod 600 /etc/NetworkManager/system-connections/up0.nmconnection
systemctl start NetworkManager
active()
{
	nmcli -t -f GENERAL.STATE device show up0 | grep '100' && ip route show default | grep 198.51.100.1
}
again()
{
	wait_for 40 "$1: NetworkManager is done" active
	wait_up
	wait_ping
	for tunnel in $aws-1 $aws-2; do
		[ "$(s2sctl show $tunnel --json | jq -r '.tunnels[0].kernel.as_wanted')" = true ] || fail "$1: $tunnel is not in the kernel as wanted"
	done
	note "$1"
}
nmcli device set up0 managed yes || true
again "NetworkManager has the uplink"
[ "$(nmcli -t -f DEVICE,STATE device | grep -c '^s2s-.*:\(unmanaged\|connected (externally)\)')" = 2 ] || fail "NetworkManager manages what is ours: $(nmcli -t -f DEVICE,STATE device | tr '\n' ' ')"
nmcli connection up up0 >/dev/null
again "nmcli connection up"
nmcli device reapply up0 >/dev/null
again "nmcli device reapply"
systemctl restart NetworkManager
again "NetworkManager restarted"
no_clear_text
systemctl stop NetworkManager
systemctl start systemd-networkd
wait_for 30 "networkd has the uplink again" eval 'networkctl --no-legend list up0 | grep configured'
wait_up
wait_ping
