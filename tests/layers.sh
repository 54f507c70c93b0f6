#!/bin/sh
# The tree keeps to its floors, and build-aux/layers.sh would tell if it did not.
set -eu

top=${BH_SRCDIR:-$(dirname "$0")/..}
layers=$top/build-aux/layers.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sh "$layers" "$top/src"

# plant FILE LINE: in a copy of the tree with this line at the end of this
# file, the violation is told with the file's name.
plant() {
	rm -rf "$work/src"
	cp -R "$top/src" "$work/src"
	chmod -R u+w "$work/src"
	mkdir -p "$(dirname "$work/src/$1")"
	printf '%s\n' "$2" >>"$work/src/$1"
	if said=$(sh "$layers" "$work/src"); then
		echo "layers.sh does not see $2 in $1"
		exit 1
	fi
	case $said in
	"src/$1:"*) ;;
	*)
		echo "layers.sh says of $2 in $1: $said"
		exit 1
		;;
	esac
	case $said in
	*"
"*)
		echo "more than one line for $2 in $1: $said"
		exit 1
		;;
	esac
}

plant base/text.c '#include "model/object.h"'
plant model/object.c '# include "store/store.h"'
plant dest/planted.c '#include "state/link.h"'
plant source/planted.h '	#	include "store/store.h"'
plant web/planted.c '#include "net/http.h"'
plant web/planted.c '#include "sync/push.h"'
plant run/planted.c '#include "web/front.h"'
plant dest/planted.c '#include "sync/configure.h"'
plant map/planted.c '#include "net/http.h"'
plant main.c '#include "dest/dest.h"'
plant planted/x.c '#include "base/base.h"'
plant base/text.c '#include "planted/x.h"'
plant base/text.c '#include "text.h"'
plant conf/conf.c '#include <openssl/evp.h>'
plant store/store.h '#include <db.h>'
plant web/planted.c '#include <curl/curl.h>'
plant run/planted.c '#include <fcgiapp.h>'
plant model/fields.def '#include <libxml/parser.h>'

# And nothing is told of what is allowed.
mkdir -p "$work/good/src/web"
cat >"$work/good/src/web/gateway.c" <<'EOF'
/* #include "net/http.h" */
// #include "net/http.h"
#include "base/base.h"
#include <fcgiapp.h>
#include <jansson.h>
#include "state/journal.h"
EOF
sh "$layers" "$work/good/src"
