# The unprivileged half of the daemon dies: the other half starts it again, removes the SAs whose state died with it, and the tunnel is
# back in seconds; until then nothing leaves in clear, and interface, routes and the rest of the kernel's state stay as they were.
# timeout: 80
# smoke
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
child=$(child_spis aws) ike=$(ike_spis aws) link=$(ip -n gw -o link show s2s-aws)
ping_begin gw-host 10.20.0.10 0.02

engine=$(engine_pid)
[ "$(stat -c %u "/proc/$engine")" != 0 ] || fail "the engine runs as root"
grep -qP '^Seccomp:\t2$' "/proc/$engine/status" || fail "the engine has no system call filter"
kill -KILL "$engine"
note "engine $engine killed"
wait_for 10 "the daemon answers again" ctl status
s2sd_alive
wait_new child aws "$child" 15
wait_new ike aws "$ike"
wait_ping gw-host 10.20.0.10 5
expect_log s2sd-gw 'engine.*(failed|ended)'
[ "${link%%:*}" = "$(ip -n gw -o link show s2s-aws | cut -d: -f1)" ] || fail "the interface is another one"
two_sas()
{
	[ "$(kernel_spis gw | wc -l)" -eq 2 ]
}
wait_for 20 "no SA of the dead engine in the kernel" two_sas

# The new engine's SA is alive: it can rekey, and be rekeyed.
child=$(child_spis aws)
ctl rekey aws
wait_new child aws "$child"
child=$(child_spis aws)
peer_rekey aws child
wait_new child aws "$child"
ping_end gw-host 1000000
s2sd_stop
kernel_is_clean
no_clear_text esp
