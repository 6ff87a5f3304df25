# The unprivileged half of the daemon dies: the other half starts it again, it goes on with the SAs as they are, and no packet is lost; interface, routes
# and the rest of the kernel's state stay as they were.
# timeout: 80
# smoke
aws_world
aws_start
wait_up aws
wait_ping gw-host 10.20.0.10
child=$(child_spis aws) ike=$(ike_spis aws) link=$(ip -n gw -o link show s2s-aws)
ping_begin gw-host 10.20.0.10 0.02

keeper=$(s2sd_pid) engine=$(engine_pid)
# PID KEY VALUE: what /proc/PID/status says
has()
{
	local value
	value=$(sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | xargs)
	[ "$value" = "$3" ] || fail "$2 of process $1 is '$value', not '$3'"
}
# Six capabilities for one half, none for the other, and nothing to get more with.
six=00000000000414c1 none=0000000000000000
has "$keeper" CapPrm $six
has "$keeper" CapEff $six
has "$keeper" NoNewPrivs 1
user=$(stat -c %u "/proc/$engine") group=$(stat -c %g "/proc/$engine")
[ "$user" != 0 ] || fail "the engine runs as root"
has "$engine" Uid "$user $user $user $user"
has "$engine" Gid "$group $group $group $group"
has "$engine" Groups ""
for set in CapInh CapPrm CapEff CapAmb; do has "$engine" $set $none; done
has "$engine" NoNewPrivs 1
has "$engine" Seccomp 2
root=$(readlink "/proc/$engine/root")
[ "${root##*/}" = empty ] && [ -z "$(ls -A "$root")" ] || fail "the engine's root is $root"
# Nothing that it could open again, or that somebody else left open: its log, sockets, timers.
for fd in "/proc/$engine/fd"/*; do
	case $(readlink "$fd") in
	/dev/null | *.log | *state.engine* | socket:* | pipe:* | anon_inode:*) ;;
	*) fail "the engine holds $(readlink "$fd")" ;;
	esac
done
kill -KILL "$engine"
note "engine $engine killed"
wait_for 10 "the daemon answers again" ctl status
s2sd_alive
wait_up aws
[ "$(child_spis aws)" = "$child" ] || fail "the child SA was $child, it is $(child_spis aws)"
[ "$(ike_spis aws)" = "$ike" ] || fail "the IKE SA was $ike, it is $(ike_spis aws)"
expect_log s2sd-gw 'engine.*(failed|ended)'
[ "${link%%:*}" = "$(ip -n gw -o link show s2s-aws | cut -d: -f1)" ] || fail "the interface is another one"
two_sas()
{
	[ "$(kernel_spis gw | wc -l)" -eq 2 ]
}
wait_for 20 "two SAs in the kernel" two_sas

# The new engine's SA is alive: it can rekey, and be rekeyed.
child=$(child_spis aws)
ctl rekey aws
wait_new child aws "$child"
child=$(child_spis aws)
peer_rekey aws child
wait_new child aws "$child"
ping_end gw-host
s2sd_stop
kernel_is_clean
no_clear_text esp
