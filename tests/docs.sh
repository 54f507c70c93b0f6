#!/bin/sh
# What the manual says is what the tables say: every option with its default
# and limits, every verb, every setting of a source.  Manual pages, scripts and sizes of files pass their
# checks.  One line for each fault; status 1 when there was any.
set -eu

top=$(cd "${BH_SRCDIR:-$(dirname "$0")/..}" && pwd)
build=${BH_BUILDDIR:-$top}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$top"

complain() {
	echo "docs.sh: $*"
	: >"$work/failed"
}

# -- options: each has its entry in billhook.conf(5), with these words
conf=man/billhook.conf.5
sed -n 's/^OPTION(\([a-z_]*\), \([A-Z]*\), "\([^"]*\)", \([0-9]*\), \([0-9]*\), ".*")$/\1 \2 \4 \5 \3/p' \
	src/conf/options.def >"$work/options"
told=$(wc -l <"$work/options")
test "$told" -eq "$(grep -c '^OPTION(' src/conf/options.def)" ||
	complain "src/conf/options.def: a line is not read here"
while read -r name type least most default; do
	if [ "$type" = NUMBER ]; then
		words="Default $default; from $least to $most."
	else
		words="Default ${default:-empty}; at most $most bytes."
	fi
	if ! grep -q "^\\.It Cm $name No = " $conf; then
		complain "$conf: no entry for $name"
	elif ! sed -n "/^\\.It Cm $name No = /,/^\\.\\(It\\|El\\)/p" $conf | sed 1d |
		grep -qxF "$words"; then
		complain "$conf: the entry for $name does not say: $words"
	fi
done <"$work/options"
sed -n 's/^\.It Cm \([a-z_]*\) No = .*/\1/p' $conf | while read -r name; do
	grep -q "^$name " "$work/options" || complain "$conf: there is no option $name"
done

# -- pages and pictures: each is installed
for file in docs/*.md docs/screenshots/*.png; do
	grep -qE "^	(.* )?$file( |\$)" docs/Makefile.inc || complain "docs/Makefile.inc: $file is not installed"
done

# -- verbs: each has its entry in billhook(1)
if [ ! -f man/billhook.1 ]; then
	echo "docs.sh: man/billhook.1 is not written yet: its verbs are not compared"
elif "$build/billhook" help --names >"$work/verbs" 2>/dev/null && [ -s "$work/verbs" ]; then
	while read -r verb; do
		grep -q "^\\.It Cm $verb\\( \\|\$\\)" man/billhook.1 ||
			complain "man/billhook.1: no entry for $verb"
	done <"$work/verbs"
else
	echo "docs.sh: billhook does not name its verbs: they are not compared"
fi

# -- settings of sources: each has its entry in billhook-connections(5), in its
# driver's section, with these words; and no entry is of something else
page=man/billhook-connections.5
tab=$(printf '\t')
if "$build/billhook" help --settings >"$work/settings" 2>/dev/null && [ -s "$work/settings" ]; then
	cut -f 1 "$work/settings" | sort -u >"$work/drivers"
	while read -r driver; do
		title=$(echo "$driver" | tr '[:lower:]' '[:upper:]')
		sed -n "/^\\.Sh $title\$/,/^\\.Sh /p" $page >"$work/section"
		grep -q . "$work/section" || complain "$page: no section $title"
		sed -n "s/^$driver$tab//p" "$work/settings" >"$work/of-driver"
		while IFS=$tab read -r name words; do
			if ! grep -q "^\\.It Cm $name No = " "$work/section"; then
				complain "$page: $title: no entry for $name"
			elif ! sed -n "/^\\.It Cm $name No = /,/^\\.\\(It\\|El\\)/p" "$work/section" |
				sed 1d | grep -qxF "$words"; then
				complain "$page: $title: the entry for $name does not say: $words"
			fi
		done <"$work/of-driver"
		sed -n 's/^\.It Cm \([a-z_]*\) No = .*/\1/p' "$work/section" | while read -r name; do
			grep -q "^$name$tab" "$work/of-driver" ||
				complain "$page: $title: there is no setting $name"
		done
	done <"$work/drivers"
else
	echo "docs.sh: billhook does not name its settings: they are not compared"
fi

# -- manual pages
if command -v mandoc >/dev/null; then
	for page in man/*.[1-9]; do
		mandoc -T lint -W warning "$page" >"$work/lint" || complain "$(cat "$work/lint")"
	done
else
	echo "docs.sh: mandoc is not installed: manual pages are not checked"
fi

# -- scripts of ours
find quickstart check .ci/run tests build-aux/layers.sh -type f 2>/dev/null |
	while read -r file; do
		case $file in
		*/node_modules/*) ;;
		*)
			case $(head -c 64 "$file" | head -n 1 | tr -d '\000') in
			'#!/bin/sh'* | '#!/bin/bash'* | '#!/usr/bin/env sh'* | \
				'#!/usr/bin/env bash'*) echo "$file" ;;
			esac
			;;
		esac
	done >"$work/scripts"
if command -v shellcheck >/dev/null; then
	while read -r file; do
		# SC2317 takes functions for unreachable that are called by name.
		shellcheck -x -e SC2317 -f gcc "$file" >"$work/lint" ||
			complain "$(cat "$work/lint")"
	done <"$work/scripts"
else
	echo "docs.sh: shellcheck is not installed: scripts are not checked"
fi

# -- no file that nobody reads to its end
find src tests static -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' -o \
	-name '*.mjs' -o -name '*.js' -o -name '*.css' -o -name '*.inc' \) 2>/dev/null |
	grep -v /node_modules/ |
	while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le 1000 ] || complain "$file has $lines lines; 1000 are the most"
	done

test ! -e "$work/failed"
