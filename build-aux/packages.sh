# Shell functions that quickstart, check and .ci/run share: Debian packages,
# building.  Sourced, not run.
# shellcheck shell=sh disable=SC2034,SC2016,SC2086,SC2164

BUILD_PACKAGES="gcc make autoconf automake pkg-config libc6-dev libfcgi-dev libcurl4-openssl-dev libjansson-dev libssl-dev libdb5.3-dev libxml2-dev"
RUN_PACKAGES="lighttpd nodejs curl ca-certificates"
TEST_PACKAGES="libcmocka-dev apache2 libapache2-mod-fcgid nginx systemd strace logrotate debhelper dpkg-dev lintian clang libclang-rt-14-dev valgrind shellcheck mandoc procps openssl xz-utils npm chromium debootstrap zip binutils"

# Run as root: as we are, or with sudo.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "this needs root, and there is no sudo: $*" >&2
		return 1
	fi
}

is_installed() {
	# A newer node than Debian's counts as nodejs, and its npm as npm.
	case $1 in
	nodejs) ! command -v node >/dev/null 2>&1 || return 0 ;;
	npm) ! command -v npm >/dev/null 2>&1 || return 0 ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# need_packages "a b c": install those that are missing, and say so.
need_packages() {
	missing=
	for package in $1; do
		is_installed "$package" || missing="$missing $package"
	done
	if [ -z "$missing" ]; then
		echo "all installed"
		return 0
	fi
	echo "installing:$missing"
	# Servers must not start by themselves: we start our own, on loopback.
	as_root sh -c '
		export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
		made=no
		if [ ! -e /usr/sbin/policy-rc.d ]; then
			printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
			chmod 755 /usr/sbin/policy-rc.d
			made=yes
		fi
		apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
		status=$?
		[ $made = no ] || rm -f /usr/sbin/policy-rc.d
		exit $status' sh $missing
}

# build_program DIR [configure options]: configure and make in DIR, out of the source tree.
build_program() {
	dir=$1
	shift
	if [ ! -x configure ] || [ -n "$(find configure.ac Makefile.am src tests \
		-newer configure \( -name configure.ac -o -name Makefile.am -o -name Makefile.inc \))" ]; then
		autoreconf -fi >/dev/null
	fi
	mkdir -p "$dir"
	(
		cd "$dir"
		if [ ! -f Makefile ] || [ -n "$(find ../configure -newer Makefile)" ]; then
			../configure -q "$@"
		fi
		make -s -j"$(nproc)"
	)
}
