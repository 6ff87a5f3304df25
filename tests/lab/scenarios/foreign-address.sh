# An address that nobody vouches for lies behind another tunnel: a forged answer of DNS, and packets of a peer whose source is changed on the way. The hosts
# behind that tunnel stay in it, nothing is sent to that address outside, the refusal is told, and the peers' own tunnels work again when the lie ends.
#
#                                        .--- aws 203.0.113.10 ---- aws-host 10.20.0.10
#   gw-host ---- gw 198.51.100.7 ---- inet--- branch 192.0.2.77 --- branch-host 10.40.0.10    dials, ESP in UDP; "remote: any"
#   10.1.0.10                            `--- fixed 198.18.5.11                               ESP in UDP; known by its address
# timeout: 120
aws_sites
site branch 192.0.2.77 10.40.0
site fixed 198.18.5.11 10.50.0
name_server
aws_peer
peer_start branch none inside=169.254.22.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-branch id=branch.example.net more="encap = yes"
peer_start fixed none inside=169.254.23.1/30 routes=10.1.0.0/24 psk=secret-of-both-for-fixed more="encap = yes"

key aws.psk lab-secret-of-both-ends
echo 'office.example.net none' >"$W/names"
s2sd_start < <(
	aws_conf 's2sd: {retry-min: 1s, retry-max: 2s}'
	tunnel_conf branch any 169.254.22.2/30 10.40.0.0/24 'remote-id: branch.example.net' 'start: respond'
	tunnel_conf fixed 198.18.5.11 169.254.23.2/30 10.50.0.0/24
	tunnel_conf office office.example.net 169.254.24.2/30 10.60.0.0/24
)
wait_up aws
wait_up fixed
peer_dial branch
wait_up branch
for host in 10.20.0.10 10.40.0.10 10.50.0.10; do wait_ping gw-host $host; done
expect_status branch .remote 192.0.2.77:4500

ping_begin gw-host 10.20.0.10 0.05
way=$(ip -n gw route get 10.20.0.10 from 10.1.0.10 iif lan)
# still_aws MOMENT: the host is reached as before.
still_aws()
{
	local now

	now=$(ip -n gw route get 10.20.0.10 from 10.1.0.10 iif lan)
	[ "$now" = "$way" ] || fail "$1: the way to 10.20.0.10 was \"$way\", now it is \"$now\""
}

note "a forged answer: the office is at 10.20.0.10, a host behind aws"
echo 'office.example.net 10.20.0.10' >"$W/names"
wait_for 20 "the forged answer is taken" grep -q 'office.example.net 1: 10.20.0.10' "$L/names.log"
pause 3
still_aws "after the forged answer"
expect_error office '10\.20\.0\.10.*(10\.20\.0\.0/24|aws)'

note "packets of branch and fixed come from 10.20.0.10"
in_ns inet nft -f - <<-END
	table ip lie {
		chain post { type filter hook postrouting priority 200;
			ip saddr { 192.0.2.77, 198.18.5.11 } udp dport 4500 counter ip saddr set 10.20.0.10
		}
	}
END
before=$(count_outside "src host 10.20.0.10 and udp")
for ns in branch fixed; do exec_in "$ns-host" ping -q -i 0.1 -c 60 -W 1 10.1.0.10 >/dev/null 2>&1 & done
for turn in 1 2 3 4 5 6; do pause 1; still_aws "after $turn s of packets from there"; done
capture_is_complete
[ "$(count_outside "src host 10.20.0.10 and udp")" -gt "$before" ] || fail "no packet came from 10.20.0.10: nothing was tried"
expect_status branch .remote 192.0.2.77:4500
expect_status fixed .remote 198.18.5.11:4500
in_ns inet nft delete table ip lie
for host in 10.40.0.10 10.50.0.10; do wait_ping gw-host $host 30; done
echo 'office.example.net none' >"$W/names"
ping_end gw-host 2
nothing_outside 'dst net 10.0.0.0/8 and not arp' 'anything to an inside address'
nothing_outside 'src net 10.1.0.0/16' 'anything of a host behind us'
s2sd_stop
kernel_is_clean
