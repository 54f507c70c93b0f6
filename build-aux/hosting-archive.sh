#!/bin/sh
# Packs what `make hosting-archive` built into an archive for web spaces: the
# programs, every library they use with the loader, templates, presets, static
# files, licences.  The same input makes the same bytes: names are sorted, times are
# SOURCE_DATE_EPOCH (else of the newest commit, else of CHANGES.md), owners are 0.
#
# usage: hosting-archive.sh SRCDIR VERSION     in the build directory
set -eu

src=$1
version=$2
name=billhook-$version-hosting-linux-$(dpkg --print-architecture)
top=billhook
stage=hosting-stage
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$src" log -1 --format=%ct 2>/dev/null || stat -c %Y "$src/CHANGES.md")}

rm -rf "$stage"
app=$stage/$top/app
mkdir -p "$app/bin" "$app/lib" "$app/share" "$app/LICENSES" "$stage/$top/docs"

# -- programs --
for to in billhook.fcgi app/bin/billhook; do
	install -s -m 755 billhook-launch "$stage/$top/$to"
done
install -s -m 755 billhook.cgi "$stage/$top/billhook.cgi"
install -s -m 755 billhook "$app/lib/billhook"

# -- libraries --
# The package that a library came from.  What is below /lib may be known as below /usr/lib, and the other way round.
package_of() {
	real=$(realpath "$1")
	dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || dpkg -S "$1" 2>/dev/null || dpkg -S "${1#/usr}"
}
# take LIBRARY NAME MODE: the file, its licence, a line of the list
take() {
	package=$(package_of "$1" | sed 's/:.*//; q')
	install -m "$3" "$1" "$app/lib/$2"
	cp "/usr/share/doc/$package/copyright" "$app/LICENSES/$package.txt"
	dpkg-query -W -f "$2: \${source:Package} \${source:Version}, $package.txt\n" "$package" >>"$stage/list"
}
if ldd billhook | grep -Eq 'lib(asan|ubsan)|not found'; then
	echo "hosting-archive: this build has sanitizers, or a library is missing" >&2
	exit 1
fi
libc=$(ldd billhook | awk '$1 == "libc.so.6" { print $3 }')
loader=$(ldd billhook | awk '$1 ~ /^\// { print $1 }')
take "$loader" ld.so 755
ldd billhook | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | LC_ALL=C sort | while read -r library; do
	take "$library" "$(basename "$library")" 644
done
# Opened by the C library when a thread ends.
take "$(dirname "$libc")/libgcc_s.so.1" libgcc_s.so.1 644

# -- what they read --
for folder in templates static presets; do
	(cd "$src" && find $folder -type f ! -name '.*' | LC_ALL=C sort) | while read -r file; do
		install -D -m 644 "$src/$file" "$app/share/$file"
	done
done
cat /etc/ssl/certs/ca-certificates.crt >"$app/share/ca-certificates.crt"
chmod 644 "$app/share/ca-certificates.crt"
cp /usr/share/doc/ca-certificates/copyright "$app/LICENSES/ca-certificates.txt"
dpkg-query -W -f "share/ca-certificates.crt: \${source:Package} \${source:Version}, ca-certificates.txt\n" \
	ca-certificates >>"$stage/list"

# Texts that the terms only name.
cat "$app"/LICENSES/*.txt | grep -o 'common-licenses/[A-Z][A-Za-z0-9.-]*[A-Za-z0-9]' | sed 's|.*/||' | LC_ALL=C sort -u | while read -r text; do
	[ ! -f "/usr/share/common-licenses/$text" ] || install -D -m 644 "/usr/share/common-licenses/$text" "$app/LICENSES/common-licenses/$text"
done

# -- for people --
install -m 644 "$src/etc/hosting/htaccess" "$stage/$top/.htaccess"
install -m 644 "$src/etc/hosting/htaccess-private" "$app/.htaccess"
install -m 644 "$src/etc/hosting/htaccess-private" "$stage/$top/docs/.htaccess"
install -m 644 "$src/etc/hosting/no-programs.html" "$src/etc/hosting/README.txt" "$src/LICENSE" "$stage/$top/"
install -m 644 "$src/docs/hosting-shared.md" "$src/CHANGES.md" "$stage/$top/docs/"
{
	cat "$src/etc/hosting/LICENSES.txt"
	LC_ALL=C sort "$stage/list"
} >"$app/LICENSES/README.txt"
rm "$stage/list"

# -- packed --
find "$stage/$top" -type d -exec chmod 755 {} +
find "$stage/$top" -exec touch -h -d "@$epoch" {} +
(cd "$stage" && find $top | LC_ALL=C sort) >hosting-files
tar -C "$stage" --no-recursion --owner=0 --group=0 --numeric-owner --format=gnu -cf - -T hosting-files |
	gzip -9n >"$name.tar.gz"
echo "$name.tar.gz"
if command -v zip >/dev/null; then
	rm -f "$name.zip"
	here=$(pwd)
	(cd "$stage" && TZ=UTC zip -q -X -9 "$here/$name.zip" -@ <"$here/hosting-files")
	echo "$name.zip"
fi
rm -rf "$stage" hosting-files
