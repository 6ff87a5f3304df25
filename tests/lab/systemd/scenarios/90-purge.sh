# Stop, remove and purge: nothing of ours is left in the kernel, in /run, in /etc, among the users.
# timeout: 90
export DEBIAN_FRONTEND=noninteractive
systemctl stop s2sd
kernel_is_clean
left=$(find /run/s2sd -mindepth 1 2>/dev/null || true)
[ -z "$left" ] || fail "after the stop there is: $left"
note "a stop leaves nothing"

systemctl start s2sd
wait_up
dpkg --purge s2sd >"$L/purge" 2>&1 || fail "dpkg --purge: $(tail -n 1 "$L/purge")"
kernel_is_clean
for left in /run/s2sd /etc/s2sd /usr/libexec/s2sd /etc/systemd/system/multi-user.target.wants/s2sd.service /usr/lib/systemd/networkd.conf.d/s2sd.conf; do
	[ ! -e $left ] && [ ! -L $left ] || fail "after the purge there is $left"
done
! getent passwd | grep s2sd || fail "users are left: $(getent passwd | grep s2sd | tr '\n' ' ')"
! getent group | grep s2sd || fail "groups are left: $(getent group | grep s2sd | tr '\n' ' ')"
! pgrep -f s2sd-engine || fail "a process is left"
