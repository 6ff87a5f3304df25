# What newer kernels can is used: SAs say their direction, and behind a NAT the kernel sends the keepalives, also while nobody of ours lives; over rekeys, a
# mapping that changes, addresses and settings that older kernels took without a look.
#
#   gw-host ---- gw ------------- gw-nat ------------ inet ------ aws ---- aws-host
#   10.1.0.10    172.16.0.7       198.51.100.7                    203.0.113.10  10.20.0.10
# timeout: 200
# kernel: new
internet
nat_site gw 172.16.0.7 198.51.100.7 10.1.0
site aws 203.0.113.10 10.20.0
watch_outside
aws_peer psk=Lab.Secret_key_of_aws dpd=300

key aws.psk Lab.Secret_key_of_aws
aws_start 'local-id: 198.51.100.7' 'dpd-interval: 5m' 'dpd-timeout: 6m'
wait_up aws
ctl show algorithms >"$L/algorithms"
has() { awk -v word="$1" '$1 == word { print $2 }' "$L/algorithms"; }
[ "$(has sa-direction)" = yes ] && [ "$(has nat-keepalive)" = yes ] && [ "$(has udp-gro)" = yes ] ||
	fail "this kernel is said not to have all of it: $(grep -E '^(sa-|nat-|udp-)' "$L/algorithms" | xargs)"
tools=$(built_in sas)
sas() { in_ns gw "$tools/sas"; }
# The attributes are there, on each SA that is ours.
attributes()
{
	local seen

	seen=$(sas)
	note "$seen"
	grep 'dir=in' <<<"$seen" >/dev/null && grep 'dir=out' <<<"$seen" >/dev/null || fail "no pair in the kernel: $(xargs <<<"$seen")"
	! grep -v -e 'dir=out keepalive=20 offload=none' -e 'dir=in keepalive=0 offload=none' <<<"$seen" >"$W/others" ||
		fail "without direction or keepalive: $(xargs <"$W/others")"
}
attributes
ping_lossless gw-host 10.20.0.10 50 0.02

# Both ends rekey; the ports change in place.
old=$(child_spis aws)
peer_rekey aws child
wait_new child aws "$old"
old=$(child_spis aws)
ctl rekey aws
wait_new child aws "$old"
attributes
ping_lossless aws-host 10.1.0.10 20 0.02

# A byte 0xff from our side while our processes are stopped: nobody but the kernel sends it.
keepalives() { count_outside 'src host 198.51.100.7 and dst port 4500 and udp[4:2] == 9 and udp[8] == 0xff'; }
more_than() { [ "$(keepalives)" -gt "$1" ]; }
engine=$(engine_pid) keeper=$(s2sd_pid)
kill -STOP "$engine" "$keeper"
before=$(keepalives)
wait_for 70 "two keepalives while the daemon is stopped" more_than $(( before + 1 ))
kill -CONT "$engine" "$keeper"
wait_for 20 "the daemon answers again" ctl status
ping_lossless aws-host 10.1.0.10 10 0.05

# All that the kernel holds an SA's direction against: the outer header's settings and ESN.
old=$(child_spis aws)
aws_reload 'local-id: 198.51.100.7' 'dpd-interval: 5m' 'dpd-timeout: 6m' 'df: set' 'dscp: 46' 'esn: auto'
wait_new child aws "$old"
attributes
ping_lossless gw-host 10.20.0.10 20 0.02

s2sd_stop
kernel_is_clean
no_clear_text 'udp port 4500'
