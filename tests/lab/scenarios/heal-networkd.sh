# The uplink is systemd-networkd's. It configures it anew, and is started anew, with our drop-in and without: without it networkd takes away all routes and
# rules that it did not make. What is ours comes back at once, networkd is named, and nothing of the host behind us leaves in clear.
#
# networkd is the one of the system this runs on, with a D-Bus of its own, in the gateway's namespaces; systemd itself is not there. What removes is
# `networkctl reconfigure`: of version 252 (Debian 12) a restart removes nothing, of 257 (Debian 13) it does the same as a reconfiguration.
# timeout: 100
# needs: networkd
. "$LAB/heal.sh"
aws_world

# networkd_start with|without: our drop-in
networkd_start()
{
	mkdir -p "$W/networkd"
	cat >"$W/networkd/out.network" <<-END
		[Match]
		Name=out
		[Network]
		Address=198.51.100.7/24
		Gateway=198.51.100.1
		LinkLocalAddressing=no
		IPv6AcceptRA=no
	END
	# /sys is that of the namespace, and read-only: so networkd knows that no udev is there to be waited for.
	exec_in gw unshare -m sh -ec '
		mount -t tmpfs -o mode=755 run /run
		mount -t sysfs -o ro sysfs /sys
		mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/systemd/network /run/systemd/networkd.conf.d /run/dbus
		chown -R systemd-network: /run/systemd/netif
		cp "$1/out.network" /run/systemd/network/
		[ "$2" = without ] || cp "$3" /run/systemd/networkd.conf.d/
		dbus-daemon --system --nofork --nopidfile >"$4/dbus.log" 2>&1 &
		while [ ! -S /run/dbus/system_bus_socket ]; do sleep 0.1; done
		export SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console
		exec /lib/systemd/systemd-networkd
	' - "$W/networkd" "$1" "${LAB%/tests/lab}/etc/networkd.conf.d/s2sd.conf" "$L" >>"$L/networkd.log" 2>&1 &
	networkd=$!
	wait_for 30 "networkd has configured the uplink" configured
	note "networkd runs, $1 our drop-in"
}

networkctl_in()
{
	nsenter --net=/run/netns/gw --mount="/proc/$networkd/ns/mnt" -- networkctl --no-pager "$@" 2>>"$L/networkctl.log" || true
}

configured()
{
	[[ $(networkctl_in --no-legend list out) == *configured* ]] && [ -n "$(ip -n gw route show default via 198.51.100.1 proto static)" ]
}

networkd_stop()
{
	kill -TERM "$networkd"
	wait "$networkd" 2>/dev/null || true
}

in_place()
{
	[ -n "$(ip -n gw route show 10.20.0.0/24 type unreachable)" ] && grep -q 21300 <<<"$(ip -n gw rule)" && kernel_as_wanted aws
}

# again WHAT COMMAND...: the uplink's address goes for a moment, so the pause may be longer than where only something of ours is taken.
again()
{
	local what=$1 since lost calm end

	shift
	since=$(now_ms)
	end=$(( since + 20000 ))
	"$@"
	wait_for 30 "networkd has configured the uplink" configured
	until read -r lost calm <<<"$(outage "$since")"; [ "$calm" -ge 1000 ] && in_place; do
		[ "$(now_ms)" -lt "$end" ] || fail "$what: 20 s later the kernel is not as wanted, or the host is not answered"
		pause 0.1
	done
	note "$what: $lost ms without answers"
	[ "$lost" -le 4000 ] || fail "$what: $lost ms without answers"
}

restart()
{
	networkd_stop
	networkd_start "$1"
}

# What was configured by others, in another manner, version 252 sets again without end.
ip -n gw addr flush dev out
in_ns gw sh -c "echo 1 >/proc/sys/net/ipv6/conf/out/disable_ipv6"
networkd_start with
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
heal_begin gw-host 10.20.0.10
again "reconfigured, with the drop-in" networkctl_in reconfigure out
! grep -q 'Removing foreign' "$L/networkd.log" || fail "networkd removes what is ours in spite of the drop-in: $(grep -m 1 'Removing foreign' "$L/networkd.log")"
again "restarted, with the drop-in" restart with
again "restarted without the drop-in" restart without
before=$(repairs | wc -l)
again "reconfigured, without the drop-in" networkctl_in reconfigure out
grep -q 'Removing foreign route.*10.20.0.0/24' "$L/networkd.log" || fail "networkd removed nothing of ours: nothing was tried"
grep -q 'Removing foreign routing policy rule' "$L/networkd.log" || fail "networkd did not remove the rule: nothing was tried"
[ "$(repairs | wc -l)" -gt "$before" ] || fail "nothing is told of the repair"
expect_log s2sd-gw '(route|rule).*systemd-networkd'
heal_end
s2sd_stop
networkd_stop
no_clear_text esp
