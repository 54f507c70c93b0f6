#!/bin/sh
# Holds every #include under src/ against the table of floors: which folder
# may use which, and who is the one user of a foreign library.  Prints one
# line for each violation and ends with status 1 when there was any.
#
# usage: layers.sh [src]        default: the src/ beside this script's folder
set -eu

src=${1:-$(dirname "$0")/../src}
test -d "$src" || { echo "layers.sh: there is no $src" >&2; exit 2; }
cd "$src"

# shellcheck disable=SC2016 # the dollars are awk's
find . -name '*.[ch]' -o -name '*.def' | sort | sed 's|^\./||' |
	xargs awk '
BEGIN {
	# folder or file : folders it may use, beside itself
	uses["base"] = ""
	uses["conf"] = "base"
	uses["store"] = "base"
	uses["model"] = "base"
	uses["state"] = "base store model"
	uses["net"] = "base"
	uses["map"] = "base model"
	uses["auto"] = "base model map"
	uses["source"] = "base model net"
	uses["dest"] = "base model net"
	uses["sync"] = "base conf store model state map auto source dest net"
	uses["run"] = "base conf store state sync"
	uses["web"] = "base conf store model state map auto source dest"
	uses["cli"] = "base conf store model state map auto source dest sync run"
	uses["main.c"] = "base conf run web cli store state"
	uses["relay.c"] = "base web"
	uses["launch.c"] = "base"

	# header : folders that may use it, though not its folder; pages configure and show, and never call out
	opens["sync/alert_target.h"] = "web"
	opens["sync/audit.h"] = "web"
	opens["sync/configure.h"] = "web"
	opens["sync/event.h"] = "web"
	opens["sync/health.h"] = "web"
	opens["sync/line.h"] = "web"
	opens["sync/metrics.h"] = "web"
	opens["sync/part.h"] = "web"
	opens["sync/preview.h"] = "web"
	opens["sync/resync.h"] = "web"
	opens["sync/setup.h"] = "web"
	opens["sync/undo.h"] = "web"

	# foreign header (or its folder) : its home; curl has two, one for each protocol
	home["db.h"] = "store/bdb.c"
	home["curl/"] = "net/http.c net/mail.c"
	home["openssl/"] = "base/crypt.c"
	home["fcgiapp.h"] = "web/gateway.c"
	home["fcgi_stdio.h"] = "nobody"
	home["libxml/"] = "dest/soap.c"
	home["cmocka.h"] = "nobody"
}

function complain(text) {
	printf "src/%s:%d: %s\n", FILENAME, FNR, text
	bad = 1
}

function folder_of(path) {
	return index(path, "/") ? substr(path, 1, index(path, "/") - 1) : path
}

function check_own(path,    from, to) {
	from = folder_of(FILENAME)
	if (!index(path, "/")) {
		if (path != "config.h")
			complain("\"" path "\" does not name its folder")
		return
	}
	to = folder_of(path)
	if (!(from in uses))
		complain(from " is not in the table of floors")
	else if (!(to in uses))
		complain(to " is not in the table of floors")
	else if (from != to && !index(" " uses[from] " ", " " to " ") &&
	    !(path in opens && index(" " opens[path] " ", " " from " ")))
		complain(from " may not use " to " (\"" path "\")")
}

function check_foreign(path,    name) {
	for (name in home) {
		if (path != name && !(name ~ /\/$/ && index(path, name) == 1))
			continue
		if (!index(" " home[name] " ", " " FILENAME " "))
			complain("<" path "> belongs to " home[name])
	}
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	check_own(part[2])
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	split($0, part, /[<>]/)
	check_foreign(part[2])
}

END { exit bad }
' || exit 1
