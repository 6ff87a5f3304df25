# The guest: Debian's own kernel under QEMU, for machines whose kernel cannot do ESP. Sourced by run.
#
#     host root (9p, read-only) --+
#     hot programs (initramfs) ---+--> overlay under tmpfs --> batch --> /run/lab (9p, writable): results, logs
#
# Nothing is installed into the host but packages; the kernel is unpacked into the cache and never booted by anyone else.

# A name after the colon is a parameter. Order does not matter: modprobe works out what comes first.
guest_modules='virtio_pci 9pnet_virtio 9p overlay af_packet ansi_cprng
	xfrm_user esp4 esp6 xfrm_interface ip_vti ip6_vti tunnel4 tunnel6 xfrm4_tunnel xfrm6_tunnel
	authenc authencesn echainiv seqiv gcm ccm cbc ctr ghash_generic sha1_generic sha256_generic sha512_generic hmac md5 des_generic
	aesni_intel sha256_ssse3 sha512_ssse3 ghash_clmulni_intel chacha_generic poly1305_generic chacha20poly1305 xcbc cmac
	veth dummy bridge vrf sch_netem sch_prio sch_tbf cls_u32 nf_tables nft_chain_nat nft_masq nft_nat nft_ct nft_xfrm nft_fib_inet nft_reject_inet
	nf_nat nf_conntrack nf_conntrack_netlink nft_limit nft_log nft_objref nft_numgen udp_diag inet_diag tcp_diag unix_diag netlink_diag
	ip_tables iptable_filter iptable_nat x_tables xt_conntrack xt_comment ipt_REJECT xt_MASQUERADE nft_compat
	algif_hash af_alg tun'

# What is not loaded at first: load_module (lib.sh) does it.
guest_spare_modules='esp4_offload esp6_offload netdevsim'

guest_hot_programs='bash sh sleep timeout cat cp rm mv mkdir chmod chown ln ls kill date head tail sort uniq cut wc tr touch stat id env
	dirname basename seq true false mktemp grep egrep sed awk find setsid unshare nsenter setpriv flock dd od cmp diff sync dmesg
	ip tc nft ss ethtool insmod sysctl ping tcpdump gojq swanctl charon-systemd birdc nc getent runuser mount umount tee xargs readlink pgrep ps hexdump iperf3'

guest_hot_plugins='kernel-netlink socket-default vici openssl nonce random kdf pem pkcs1 pkcs8 x509 pubkey revocation constraints
	updown sha1 sha2 aes hmac gcm ctr gmp curve25519 chapoly eap-identity counters drbg md5 fips-prf cmac xcbc'

guest_cache=${S2SD_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/s2sd-lab}

# apt for this distribution, or (new) for Debian 13, whose lists of packages are kept in the cache.
guest_apt()
{
	local kernel=$1 tool=$2 apt=$guest_cache/new/apt

	shift 2
	[ "$kernel" = new ] || { "$tool" "$@"; return; }
	"$tool" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" "$@"
}

# The newest kernel package the distribution offers; if no list of packages is at hand, the one cached last.
guest_kernel_package()
{
	guest_apt "$1" apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-[0-9]/ { print $2; exit }'
}

# The lists of Debian 13, once a week.
guest_new_lists()
{
	local apt=$guest_cache/new/apt key=/usr/share/keyrings/debian-archive-keyring.gpg

	[ -z "$(find "$apt/updated" -mtime -7 2>/dev/null)" ] || return 0
	say "reading Debian 13's list of packages (10 MB, once a week)"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" || return 1
	printf 'deb [signed-by=%s] http://deb.debian.org/%s main\n' $key 'debian trixie' $key 'debian-security trixie-security' >"$apt/sources.list"
	guest_apt new apt-get -q update >"$apt/log" 2>&1 && touch "$apt/updated"
}

guest_unpack_kernel()
{
	local kernel=$1 package=$2 to=$3 work=$guest_cache/unpack.$$

	say "downloading $package into $guest_cache (100 MB, once)"
	mkdir -p "$work" || return 1
	(cd "$work" && guest_apt "$kernel" apt-get -q download "$package" >"$guest_cache/download.log" 2>&1) || return 1
	dpkg -x "$work"/linux-image-*.deb "$work/root" || return 1
	[ -d "$work/root/lib/modules" ] || ln -s usr/lib "$work/root/lib" || return 1
	set -- "$work"/root/lib/modules/*
	depmod -b "$work/root" "${1##*/}" || return 1
	mv "$work/root" "$to" || return 1
	rm -rf "$work"
}

# Debian 13's are compressed, which not every insmod reads.
guest_copy_module()
{
	local file=$1 to=$2

	case $file in
	*.xz) xz -dc "$file" >"$to/$(basename "$file" .xz)";;
	*) cp "$file" "$to/";;
	esac
}

# Modules in loading order, each once, with its file beside.
guest_pack_modules()
{
	local root=$1 version=$2 to=$3 module line file

	mkdir -p "$to/modules"
	for module in $guest_modules; do
		modprobe -d "$root" -S "$version" --show-depends "$module" 2>/dev/null || echo "lab: no module $module" >&2
	done | awk '$1 == "insmod" && !seen[$2]++ { $1 = ""; print substr($0, 2) }' | while read -r line; do
		file=${line%% *}
		guest_copy_module "$file" "$to/modules" || return 1
		echo "$(basename "$file" .xz)${line#"$file"}"
	done >"$to/modules/order"
	mkdir -p "$to/hot/usr/lib/lab-modules"
	for module in $guest_spare_modules; do
		file=$(modprobe -d "$root" -S "$version" --show-depends "$module" 2>/dev/null | tail -n 1 | awk '{ print $2 }')
		[ -z "$file" ] || guest_copy_module "$file" "$to/hot/usr/lib/lab-modules" || return 1
	done
	# The random generator's self-test fails under emulation unless this one stands ready before it.
	{ grep ansi_cprng "$to/modules/order"; grep -v ansi_cprng "$to/modules/order"; } >"$to/modules/order.new"
	mv "$to/modules/order.new" "$to/modules/order"
}

guest_pack_hot()
{
	local to=$1 program plugin file

	for program in $guest_hot_programs; do
		type -P "$program" || ls /usr/sbin/"$program" 2>/dev/null
	done >"$to/hot.list"
	for plugin in $guest_hot_plugins; do
		ls /usr/lib/ipsec/plugins/libstrongswan-"$plugin".so 2>/dev/null
	done >>"$to/hot.list"
	ls /usr/sbin/bird /usr/lib/frr/zebra /usr/lib/frr/staticd /usr/lib/frr/bgpd /usr/bin/vtysh 2>/dev/null >>"$to/hot.list"
	ls /usr/lib/ipsec/libcharon.so.0 /usr/lib/ipsec/libvici.so.0 2>/dev/null >>"$to/hot.list"
	ls /usr/lib/x86_64-linux-gnu/lib{event,event_core,event_pthreads,mnl,yaml,jansson,expat,cap,seccomp,smartcols,crypto}[-.]*so.* \
		2>/dev/null >>"$to/hot.list"
	ls /etc/ssl/openssl.cnf /etc/protocols /etc/services /etc/nsswitch.conf /etc/ld.so.cache 2>/dev/null >>"$to/hot.list"
	while read -r file; do
		echo "$file"
		case $file in /etc/*) continue;; esac
		ldd "$file" 2>/dev/null | grep -o '/[^ ]*'
	done <"$to/hot.list" | sort -u | while read -r file; do
		readlink -f "$file"
	done | sort -u | while read -r file; do
		mkdir -p "$to/hot${file%/*}" && cp "$file" "$to/hot$file" || return 1
	done
	rm "$to/hot.list"
}

# guest_prepare default|new: sets guest_kernel and guest_initrd. The key holds all that goes in, so a package update makes a new one by itself.
guest_prepare()
{
	local kernel=$1 at=$guest_cache package root version key work

	[ "$kernel" = default ] || at=$guest_cache/new
	mkdir -p "$at" || return 1
	[ "$kernel" = default ] || guest_new_lists || say "Debian 13's list of packages cannot be read: what is in the cache is used"
	package=$(guest_kernel_package "$kernel")
	[ -n "$package" ] || package=$(cd "$at" && ls -d linux-image-* 2>/dev/null | sort -V | tail -n 1)
	[ -n "$package" ] || { say "no kernel package found: run apt-get update"; return 1; }
	root=$at/$package
	[ -d "$root" ] || guest_unpack_kernel "$kernel" "$package" "$root" || return 1
	set -- "$root"/boot/vmlinuz-*
	guest_kernel=$1
	version=${1##*/vmlinuz-}

	key=$({ cat "$lab/guest.sh" "$lab/guest-init"; dpkg-query -W 2>/dev/null; } | sha256sum | cut -c1-16)
	guest_initrd=$root/initrd-$key
	[ -f "$guest_initrd" ] && return 0
	say "packing the guest's programs and modules"
	# Another checkout may be about to boot its own.
	find "$root" -name 'initrd-*' -mtime +0 -delete
	work=$(mktemp -d) || return 1
	mkdir -p "$work/bin" "$work/proc" "$work/sys" "$work/dev" "$work/hot"
	cp "$(command -v busybox)" "$work/bin/busybox" && cp "$lab/guest-init" "$work/init" && chmod 755 "$work/init" || return 1
	for applet in sh mount mkdir insmod ip chroot echo ln; do ln -s busybox "$work/bin/$applet"; done
	guest_pack_modules "$root" "$version" "$work" && guest_pack_hot "$work" || return 1
	(cd "$work" && find . | cpio -o -H newc -R 0:0 --quiet) >"$guest_initrd.$$" && mv "$guest_initrd.$$" "$guest_initrd" || return 1
	rm -rf "$work"
}

# Start a guest whose batch works in the directory given. Sets guest_pid. Its kernel does not judge its timer: on a busy host the emulated one is
# late, and the kernel would panic. Each program is at the same addresses at each start (norandmaps): its translation is used again then, and
# starting one takes a third of the time. The guest has no secrets: what else hardens a kernel and is dear under emulation is off, too.
guest_boot()
{
	local share=$1 accel=$2 cpu=max,-la57 cpus=2

	# One processor patches code that another runs: the emulation of two now and then shows the newer kernel what is half written.
	[[ $guest_kernel != "$guest_cache"/new/* ]] || cpus=1
	[ "$accel" != kvm ] || cpu=host cpus=2
	qemu-system-x86_64 -accel "$accel" -cpu "$cpu" -smp $cpus -m "${S2SD_LAB_MEMORY:-1536}" \
		-nodefaults -no-user-config -display none -nic none -no-reboot \
		-serial "file:$share/console.log" \
		-kernel "$guest_kernel" -initrd "$guest_initrd" \
		-append "console=ttyS0 quiet no_timer_check panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on audit=0 apparmor=0 norandmaps nosmap nosmep init_on_alloc=0 init_on_free=0 hardened_usercopy=off randomize_kstack_offset=off nowatchdog" \
		-fsdev local,id=root,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev local,id=lab,path="$share",security_model=none \
		-device virtio-9p-pci,fsdev=lab,mount_tag=lab \
		-device virtio-rng-pci \
		</dev/null >"$share/qemu.log" 2>&1 &
	guest_pid=$!
}

# KVM is used only where it was seen to work: on some machines /dev/kvm opens and the guest then hangs.
guest_accelerator()
{
	local verdict share

	verdict=$guest_cache/kvm-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -f "$verdict" ]; then
		rm -f "$guest_cache"/kvm-*
		echo tcg,thread=multi >"$verdict"
		if [ -w /dev/kvm ]; then
			say "does KVM work here? (8 s at most, asked once)"
			share=$(mktemp -d)
			printf 'echo works >/run/lab/answer; /bin/busybox poweroff -f\n' >"$share/start"
			guest_boot "$share" kvm
			timeout 8 tail --pid=$guest_pid -f /dev/null
			kill -9 "$guest_pid" 2>/dev/null
			wait "$guest_pid" 2>/dev/null
			[ "$(cat "$share/answer" 2>/dev/null)" = works ] && echo kvm >"$verdict"
			rm -rf "$share"
		fi
	fi
	guest_accel=$(cat "$verdict")
}
