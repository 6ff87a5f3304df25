# The disk of the guest: a Debian 13 with systemd as its first process, and the little initramfs that finds it. Sourced by run, after guest.sh.
#
# The disk is made once for all that is said here (mmdebstrap, a minute) and only read: each run has a layer of its own above it.

image_packages='systemd,systemd-sysv,dbus,udev,kmod,iproute2,nftables,charon-systemd,strongswan-swanctl,frr,frr-pythontools,network-manager,
	jq,procps,psmisc,iputils-ping,tcpdump,openssl,softhsm2,pkcs11-provider,libevent-core-2.1-7t64,libmnl0,libyaml-0-2,libjansson4,libexpat1,libseccomp2,libsmartcols1,libssl3t64'
image_modules='ansi_cprng virtio_pci virtio_blk crc32c_generic ext4 9pnet_virtio 9p'

# Units that a gateway would have and that only cost time here.
image_masked='apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer logrotate.timer man-db.timer
	systemd-tmpfiles-clean.timer getty@tty1.service serial-getty@ttyS0.service systemd-binfmt.service systemd-journal-flush.service systemd-pstore.service
	systemd-hwdb-update.service systemd-firstboot.service ldconfig.service systemd-update-done.service systemd-journal-catalog-update.service
	systemd-networkd-wait-online.service NetworkManager-wait-online.service systemd-random-seed.service dev-hugepages.mount sys-kernel-debug.mount
	sys-kernel-tracing.mount console-getty.service systemd-logind.service systemd-user-sessions.service'

# The kernel's package is unpacked without its scripts: they would make an initramfs that nobody boots.
image_root()
{
	local root=$1

	mmdebstrap --quiet --variant=minbase --include="$(tr -d ' \n\t' <<<"$image_packages")" --customize-hook='chroot "$1" sh -ec "
		cd /tmp
		apt-get -q download \$(apt-cache depends linux-image-amd64 | sed -n \"s/.*Depends: \(linux-image-[0-9].*\)/\1/p\" | head -n 1)
		dpkg -x linux-image-*.deb /
		rm linux-image-*.deb
		depmod \$(ls /lib/modules)"' trixie "$root" >&2 || return 1
	cp -r "$lab/systemd/guest/." "$root/" || return 1
	chroot "$root" sh -ec '
		echo s2sd-lab >/etc/hostname
		echo "127.0.0.1 localhost s2sd-lab" >/etc/hosts
		: >/etc/fstab
		systemd-machine-id-setup
		systemctl mask '"$(tr -d '\n' <<<"$image_masked")"'
		systemctl disable strongswan frr nftables NetworkManager NetworkManager-dispatcher
		systemctl enable systemd-networkd nftables lab.service lab-world.service
		systemctl set-default multi-user.target' >&2
}

image_initrd()
{
	local root=$1 work=$2 version module line file

	version=$(ls "$root/lib/modules")
	mkdir -p "$work/bin" "$work/proc" "$work/sys" "$work/dev" "$work/root" "$work/modules"
	cp "$(command -v busybox)" "$work/bin/busybox" && cp "$lab/systemd/init" "$work/init" || return 1
	for module in sh mount mkdir insmod switch_root echo; do ln -s busybox "$work/bin/$module"; done
	for module in $image_modules; do
		modprobe -d "$root" -S "$version" --show-depends "$module" || return 1
	done | awk '$1 == "insmod" && !seen[$2]++ { $1 = ""; print substr($0, 2) }' >"$work/list" || return 1
	while read -r line; do
		file=${line%% *}
		xz -dc "$file" >"$work/modules/$(basename "$file" .xz)" || return 1
		echo "$(basename "$file" .xz)${line#"$file"}"
	done <"$work/list" >"$work/modules/order"
	rm "$work/list"
	(cd "$work" && find . | cpio -o -H newc -R 0:0 --quiet)
}

# Sets image_disk, image_kernel and image_initrd.
image_prepare()
{
	local key at work

	key=$(cat "$lab/systemd/image.sh" "$lab/systemd/init" "$lab"/systemd/guest/*/*/* "$lab"/systemd/guest/*/*/*/* 2>/dev/null | sha256sum | cut -c1-16)
	at=$guest_cache/systemd-$key
	image_disk=$at/disk image_kernel=$at/vmlinuz image_initrd=$at/initrd
	[ -f "$image_disk" ] && return 0
	say "making a Debian 13 with systemd in $at (600 MB, a minute, once)"
	rm -rf "$guest_cache"/systemd-*
	mkdir -p "$at" || return 1
	work=$(mktemp -d "$guest_cache/unpack.XXXXXX") || return 1
	chmod 755 "$work"
	if image_root "$work/root" && cp "$work"/root/boot/vmlinuz-* "$image_kernel" && image_initrd "$work/root" "$work/initrd" >"$image_initrd" &&
		rm -rf "$work/root/var/cache/apt" "$work/root/boot" && mke2fs -q -t ext4 -O ^has_journal -d "$work/root" "$image_disk.new" 3G; then
		mv "$image_disk.new" "$image_disk"
	fi
	rm -rf "$work"
	[ -f "$image_disk" ]
}
