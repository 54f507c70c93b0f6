#!/usr/bin/env bash
# What is released: a tarball that is the same each time and builds where only
# the packages of the README are installed (no git, no autoconf), an installation
# that can be taken away again, and a Debian package that installs in a bare
# system, runs and can be purged.
#
#   tests/release/run.sh
#
# Needs root (chroot, debootstrap).  The installations are kept in
# $BH_BUILDDIR/release, from the mirror that apt uses here.  What cannot be
# tried is printed as SKIPPED with the reason.  Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")" || exit 1
BH_SRCDIR=${BH_SRCDIR:-$(cd ../.. && pwd)}
BH_BUILDDIR=${BH_BUILDDIR:-$BH_SRCDIR/build}
place=$BH_BUILDDIR/release
PATH=$PATH:/usr/sbin:/sbin
passed=0
failed=0

# verdict NAME STATUS [FILE]: the end of FILE tells why
verdict() {
	if [ "$2" = 0 ]; then
		echo "ok - $1"
		passed=$((passed + 1))
	else
		echo "not ok - $1"
		[ -z "${3-}" ] || tail -n 15 "$3" | sed 's/^/#   /'
		failed=$((failed + 1))
	fi
}
# check NAME COMMAND...
check() {
	local name=$1 status=0
	shift
	"$@" >"$place/said" 2>&1 || status=$?
	verdict "$name" $status "$place/said"
}
finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
skip_rest() {
	echo "SKIPPED: $*"
	finish
}

mkdir -p "$place" && cd "$place" || exit 1
version=$(sed -n 's/^AC_INIT(\[billhook\], \[\([^]]*\)\].*/\1/p' "$BH_SRCDIR/configure.ac")
tarball=billhook-$version.tar.gz

# -- the tarball --

make_dist() {
	make -s -C "$BH_BUILDDIR" dist && mv "$BH_BUILDDIR/$tarball" "$1"
}
began=$SECONDS
check "make dist" make_dist "$place/$tarball"
check "make dist once more" make_dist "$place/again.tar.gz"
check "both are the same bytes" cmp "$tarball" again.tar.gz
check "nothing in it belongs to who made it" sh -c "! tar -tvzf '$tarball' | grep -v ' root/root \| 0/0 '"
check "nothing that a build leaves is in it" sh -c "! tar -tzf '$tarball' | grep -E '\.(o|a|deb|log|trs)$|/(\.git|autom4te\.cache|node_modules)/'"
check "the package's version is that of configure.ac" sh -c "sed -n '1s/.*(\(.*\)).*/\1/p' '$BH_SRCDIR/debian/changelog' | grep -Fx '$version'"
echo "# tarball: $((SECONDS - began)) s"

# The licence without its first lines, which say who; of the package's file the same text.
same_licence() {
	[ "$(sed -n '5,$p' "$BH_SRCDIR/LICENSE")" = "$(sed -n '/^License: ISC$/,$s/^ //p' "$BH_SRCDIR/debian/copyright" | sed 's/^\.$//')" ]
}
check "the package's licence is that of LICENSE, word by word" same_licence

# -- bare systems --

[ "$(id -u)" = 0 ] || skip_rest "only root may make and enter other installations"
command -v debootstrap >/dev/null || {
	check "debootstrap is here (apt-get install debootstrap)" false
	finish
}
# shellcheck disable=SC2016 # the dollars are apt's
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' | sed -n 's/^Debian|Debian|//p' | head -n 1)
[ -n "$mirror" ] || skip_rest "apt knows no mirror of Debian here"

leave() {
	umount "$place"/*/proc 2>/dev/null
	rm -rf "$place/host" "$place/source"
}
trap leave EXIT
trap 'exit 130' INT TERM

# inside ROOT COMMAND...
inside() {
	local root=$1
	shift
	chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
# what README names, but for what makes configure: the tarball has it
packages=$(sed -n '/^apt install gcc/,/[^\\]$/p' "$BH_SRCDIR/README.md" | tr -d '\\\n' | sed 's/^apt install//; s/ autoconf\| automake//g')
bare() {
	[ ! -e bare/.ready ] || return 0
	rm -rf bare && debootstrap --variant=minbase bookworm bare "$mirror" && touch bare/.ready
}
builder() {
	[ ! -e builder/.ready ] || [ "$(cat builder/.ready)" != "$packages" ] || return 0
	rm -rf builder && cp -a bare builder && inside "$place/builder" apt-get update -qq || return 1
	# shellcheck disable=SC2086 # several words
	inside "$place/builder" apt-get install -y -qq --no-install-recommends $packages && echo "$packages" >builder/.ready
}
began=$SECONDS
check "a bare Debian 12" bare
check "with the packages that README names" builder
check "neither git nor autoconf among them" sh -c "! ls builder/usr/bin/git builder/usr/bin/autoconf"
echo "# installations: $((SECONDS - began)) s"

# -- from source --

began=$SECONDS
rm -rf builder/src builder/stage
mkdir builder/src
tar -xzf "$tarball" -C builder/src --strip-components=1
mount -t proc proc builder/proc || skip_rest "no mounts may be made here"
check "configure and make" inside "$place/builder" sh -ec "cd /src && ./configure -q && make -s -j$(nproc)"
check "make check, but for what needs the library of the unit tests" inside "$place/builder" sh -ec "cd /src && make -s check check_PROGRAMS= TESTS=tests/layers.sh"
check "the program knows its version" sh -c "chroot builder /src/billhook version | grep -F '$version'"
check "make install" inside "$place/builder" sh -ec "cd /src && make -s install DESTDIR=/stage"
for file in bin/billhook libexec/billhook/billhook.cgi share/man/man1/billhook.1 share/billhook/examples/nginx.conf.example \
	share/billhook/templates/layout.mustache share/billhook/presets/stripe-salesforce.json \
	share/doc/billhook/docs/install.md share/doc/billhook/docs/screenshots/home.png; do
	check "there is $file" test -e "builder/stage/usr/local/$file"
done
# links_lead FOLDER: what its pages link to and show is there
links_lead() {
	local page link lost=0
	while IFS=: read -r page link; do
		link=${link#*'('}
		link=${link%%[#)]*}
		[ -e "$(dirname "$page")/$link" ] || { echo "$page: $link"; lost=1; }
	done < <(grep -roE '\]\([^):#]+[)#]' --include='*.md' "$1" || echo "$1:(no links)")
	return "$lost"
}
check "links of the installed pages lead to files" links_lead builder/stage/usr/local/share/doc/billhook
check "make uninstall" inside "$place/builder" sh -ec "cd /src && make -s uninstall DESTDIR=/stage"
check "leaves nothing" sh -c "! find builder/stage ! -type d | grep ."
umount builder/proc
echo "# from source: $((SECONDS - began)) s"

# -- the package --

began=$SECONDS
rm -rf source host ./*.deb
mkdir source
tar -xzf "$tarball" -C source
package() {
	(cd "source/billhook-$version" && DEB_BUILD_OPTIONS="parallel=$(nproc) noautodbgsym" dpkg-buildpackage -us -uc -b)
}
check "dpkg-buildpackage" package
deb=$(find source -maxdepth 1 -name 'billhook_*.deb')
check "lintian finds no error" sh -c "lintian --allow-root --fail-on error source/*.changes"
grep -E '^[EW]:' said | sed 's/^/# /'
cp -a bare host
cp "$deb" host/tmp/billhook.deb
printf '#!/bin/sh\nexit 101\n' >host/usr/sbin/policy-rc.d
chmod 755 host/usr/sbin/policy-rc.d
mount -t proc proc host/proc
install_package() {
	inside "$place/host" apt-get update -qq && inside "$place/host" apt-get install -y -qq --no-install-recommends /tmp/billhook.deb
}
check "it installs" install_package
check "with its pages, whose links lead to files" links_lead host/usr/share/doc/billhook
check "billhook version" sh -c "chroot host billhook version | grep -F '$version'"
check "its user has the data directory" sh -c "chroot host stat -c '%U %a' /var/lib/billhook | grep -x 'billhook 700'"
check "and a setup code waits in it" test -s host/var/lib/billhook/setup-code
check "the service's file names what is there" sh -c "grep -qx 'ExecStart=/usr/bin/billhook serve --dir /var/lib/billhook' host/lib/systemd/system/billhook.service && test -e host/lib/systemd/system/billhook.socket"
check "logrotate's too" grep -q '^/var/lib/billhook/log/billhook.log' host/etc/logrotate.d/billhook
as_user() {
	inside "$place/host" setpriv --reuid billhook --regid billhook --clear-groups "$@"
}
(as_user billhook serve --dir /var/lib/billhook >serve.out 2>&1 &)
for _ in $(seq 100); do
	[ ! -S host/var/lib/billhook/run/front.sock ] || break
	sleep 0.1
done
check "it serves" as_user billhook status --dir /var/lib/billhook
check "and stops" as_user billhook stop --dir /var/lib/billhook
check "it is removed" inside "$place/host" apt-get remove -y -qq billhook
check "the store is there still" test -e host/var/lib/billhook/key
purge_package() {
	inside "$place/host" apt-get purge -y -qq billhook >purged 2>&1 && grep -q 'var/lib/billhook is removed' purged
}
check "it is purged, and says what went" purge_package
check "nothing of it is left" sh -c "! find host -xdev -name '*billhook*' ! -path '*/proc/*' ! -path host/tmp/billhook.deb ! -path 'host/var/log/*' ! -path 'host/var/cache/*' | grep ."
check "nor its user" sh -c "! grep billhook host/etc/passwd host/etc/group"
umount host/proc
echo "# package: $((SECONDS - began)) s"
finish
