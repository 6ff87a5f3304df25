# All of the daemon is killed without warning. Until it is back nothing leaves in clear; then what it left is swept or taken over,
# traffic flows, and what belongs to others in the same kernel is as it was.
# timeout: 130
aws_world

ip -n gw link add strange0 type xfrm dev out if_id 77
ip -n gw link set strange0 up
in_ns gw ip xfrm state add src 198.51.100.7 dst 203.0.113.77 proto esp spi 0x77777777 reqid 77 if_id 77 mode tunnel \
	aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10

for round in 1 2; do
	note "round $round"
	s2sd_kill9
	in_ns gw-host ping -q -c 5 -i 0.05 -W 1 10.20.0.10 >/dev/null || true
	s2sd_run
	wait_up aws
	wait_ping gw-host 10.20.0.10 10
	expect_status aws '.children | length' 1
	two_of_ours()
	{
		[ "$(kernel_spis gw | grep -vc 77777777)" -eq 2 ]
	}
	wait_for 15 "exactly our two SAs in the kernel, saw $(kernel_spis gw | tr '\n' ' ')" two_of_ours
	[ "$(ip -n gw -o link show | grep -c ' s2s-aws')" -eq 1 ] || fail "not exactly one interface s2s-aws"
done
ping_lossless gw-host 10.20.0.10 20 0.05
[[ $(kernel_spis gw) == *0x77777777* ]] || fail "the strange SA is gone"
[[ $(ip -n gw link show strange0 up) == *strange0* ]] || fail "the strange interface is gone or down"
s2sd_stop
kernel_is_clean

# State outlives a daemon in a run directory that is memory.
mkdir "$W/memory"
mount -t tmpfs tmpfs "$W/memory"
cp -a "$W/s2sd-gw" "$W/memory"
mount --bind "$W/memory/s2sd-gw" "$W/s2sd-gw"
s2sd_run
wait_up aws
# What a restart would do now, with this program and with one that cannot read what is saved.
printf '#!/bin/sh\n[ "$1" != -V ] || printf "s2sd 9\\nstores: layout 9\\n"\n' >"$W/other"
chmod 755 "$W/other"
upgrade=$(ctl_in gw upgrade-check --program "$S2SD") || fail "a restart would lose something: $upgrade"
[[ $upgrade == *"aws: goes-on"* ]] || fail "upgrade-check: $upgrade"
upgrade=$(ctl_in gw upgrade-check --program "$W/other") && fail "the state is taken over by any program: $upgrade"
[[ $upgrade == *"aws: dials"* ]] || fail "upgrade-check: $upgrade"
# Nobody starts it again. What it left goes without its settings, but not while it runs.
in_ns gw "$S2SD" --remove -r "$W/s2sd-gw/run" 2>"$L/remove" && fail "a daemon that runs lost what it has in the kernel"
grep -q "another s2sd runs here, process $(s2sd_pid)" "$L/remove" || fail "who runs is not named: $(cat "$L/remove")"
wait_ping gw-host 10.20.0.10
s2sd_kill9
mv "$W/s2sd-gw/s2sd.yaml" "$W/s2sd-gw/away"
in_ns gw "$S2SD" --remove -r "$W/s2sd-gw/run" 2>"$L/remove" || fail "s2sd --remove: $(cat "$L/remove")"
kernel_is_clean
[ ! -e "$W/s2sd-gw/run" ] || fail "left in the run directory: $(ls -A "$W/s2sd-gw/run" | tr '\n' ' ')"
[[ $(kernel_spis gw) == *0x77777777* ]] || fail "the strange SA is gone"
no_clear_text esp
