# The package that the scenarios install, built for Debian 13, and one that differs in its version alone. Sourced by run.

# packages_prepare FOLDER: s2sd.deb and s2sd-newer.deb in it; built again when a source is younger.
packages_prepare()
{
	local to=$1 work

	[ -f "$to/s2sd-newer.deb" ] && [ -z "$(cd "$top" && find src include etc contrib man Makefile configure.ac config.*.in -newer "$to/s2sd-newer.deb")" ] && return 0
	rm -rf "$to"
	mkdir -p "$to" || return 1
	say "building the package for Debian 13"
	DEB_BUILD_OPTIONS=nocheck "$top/contrib/make-deb" -s trixie -o "$to" >"$to.log" 2>&1 || return 1
	mv "$to"/s2sd_*_amd64.deb "$to/s2sd.deb" || return 1
	work=$(mktemp -d) || return 1
	dpkg-deb -R "$to/s2sd.deb" "$work" && sed -i 's/^Version: .*/&+newer/' "$work/DEBIAN/control" &&
		dpkg-deb -b "$work" "$to/s2sd-newer.deb" >>"$to.log" && rm -rf "$work"
}
