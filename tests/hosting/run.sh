#!/usr/bin/env bash
# The archive for web spaces, unpacked into bare installations of Debian 11, 12
# and 13, in which nothing of ours and none of our libraries is installed: their own
# Apache, as a user without rights, reads the archive's .htaccess.
#
#   tests/hosting/run.sh [CODENAME...]     default: bullseye bookworm trixie
#
# Needs root (chroot, debootstrap).  The installations are kept in
# $BH_BUILDDIR/hosting, from the mirror that apt uses here.  What cannot be
# tried is printed as SKIPPED with the reason.  Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")" || exit 1
BH_SRCDIR=${BH_SRCDIR:-$(cd ../.. && pwd)}
BH_BUILDDIR=${BH_BUILDDIR:-$BH_SRCDIR/build}
export BH_SRCDIR BH_BUILDDIR
PATH=$PATH:/usr/sbin:/sbin
passed=0
failed=0

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
skip_all() {
	echo "SKIPPED: $*"
	finish
}
broken() {
	echo "not ok - $1"
	failed=$((failed + 1))
	finish
}

[ "$(id -u)" = 0 ] || skip_all "only root may make and enter other installations"
[ "$(uname -m)" = x86_64 ] || skip_all "the archive is for x86_64"
command -v debootstrap >/dev/null || broken "debootstrap is here (apt-get install debootstrap)"
# shellcheck disable=SC2016 # the dollars are apt's
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' | sed -n 's/^Debian|Debian|//p' | head -n 1)
[ -n "$mirror" ] || skip_all "apt knows no mirror of Debian here"

# Two builds of the same input are the same bytes.
(
	cd "$BH_BUILDDIR" && make -s hosting-archive >/dev/null &&
		sha256sum billhook-*-hosting-*.tar.gz >hosting-first && make -s hosting-archive >/dev/null
) || broken "the archive is built"
cd "$BH_BUILDDIR" || exit 1
if sha256sum --quiet -c hosting-first; then
	echo "ok - the archive is the same each time"
	passed=$((passed + 1))
else
	echo "not ok - the archive is the same each time"
	failed=$((failed + 1))
fi
rm -f hosting-first

# installation CODENAME: made where it is missing; 1 not in the registry, 2 failed
installation() {
	local root=$BH_BUILDDIR/hosting/$1
	[ ! -e "$root/.ready" ] || return 0
	curl -sfI --max-time 60 "${mirror%/}/dists/$1/Release" >/dev/null || return 1
	rm -rf "$root"
	mkdir -p "$root"
	debootstrap --variant=minbase --include=apache2,libapache2-mod-fcgid "$1" "$root" "$mirror" >"$root.log" 2>&1 || return 2
	touch "$root/.ready"
}

run_suite() {
	local output=$BH_BUILDDIR/hosting/$1.out status=0 good bad began=$SECONDS
	installation "$1" || status=$?
	case $status in
	0) ;;
	1)
		echo "SKIPPED: Debian $1 is not in the registry"
		return
		;;
	*)
		echo "not ok - Debian $1 is installed: $(tail -n 3 "$BH_BUILDDIR/hosting/$1.log")"
		failed=$((failed + 1))
		return
		;;
	esac
	timeout -k 20 300 bash "$BH_SRCDIR/tests/hosting/archive.sh" "$1" >"$output" 2>&1 || status=$?
	good=$(grep -c '^ok - ' "$output")
	bad=$(grep -c '^not ok - ' "$output")
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "not ok - $1 ends with status $status" >>"$output"
		bad=1
	fi
	grep -v '^ok - ' "$output"
	printf '%-10s %3d ok, %d not ok, %d s\n' "$1" "$good" "$bad" "$((SECONDS - began))"
	passed=$((passed + good))
	failed=$((failed + bad))
}

suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(bullseye bookworm trixie)
for suite in "${suites[@]}"; do
	run_suite "$suite"
done
finish
