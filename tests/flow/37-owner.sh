#!/usr/bin/env bash
# Root with a data directory of somebody else: it works as the owner, who can use
# afterwards what was made there; and what check says where that went wrong before.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
	echo "# SKIPPED: only root may become somebody else"
	finish
fi
need setpriv util-linux
PATH=$PATH:/usr/sbin:/sbin

# The owner must be able to start the program, wherever it was built.
chmod 711 "$work"
install -m 755 "$BILLHOOK" "$work/billhook"
cp -r "$BH_SRCDIR/presets" "$BH_SRCDIR/templates" "$BH_SRCDIR/static" "$work"
chmod -R a+rX "$work/presets" "$work/templates" "$work/static"
BILLHOOK=$work/billhook
BILLHOOK_SOURCE=$work
export BILLHOOK_DIR=$work/data
dirs+=("$BILLHOOK_DIR")
install -d -m 700 -o nobody -g nogroup "$BILLHOOK_DIR"
install -d -m 700 "$work/root"

owner() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$BILLHOOK" "$@"
}
foreign() {
	find "$BILLHOOK_DIR" ! \( -user nobody -group nogroup \)
}

status "init as root" 0 bh init --quiet
printf '{"billhook": 1, "connections": [
	{"code": "stripe", "driver": "stripe", "settings": {"mode": "live"}, "secrets": {"webhook": "env:FLOW_STRIPE_SECRET"}},
	{"code": "sandbox", "driver": "sandbox"}],
	"syncs": [{"code": "s", "from": "stripe", "to": "sandbox", "preset": "stripe-salesforce"}]}' >"$work/root/set-up.json"
status "a file that only root may read" 1 bh apply --yes "$work/root/set-up.json"
like "it says who would have to read it" "$err" "Permission denied \(as nobody, who owns $BILLHOOK_DIR\)$"
status "as standard input it is taken" 0 bh apply --yes --quiet - <"$work/root/set-up.json"
install -m 600 /dev/null "$work/root/secret"
sed "s|env:FLOW_STRIPE_SECRET|file:$work/root/secret|" "$work/root/set-up.json" >"$work/secret.json"
status "a secret that only root may read" 1 bh apply --yes "$work/secret.json"
like "it says so, too" "$err" "$work/root/secret.*Permission denied.* \(as nobody, who owns"
status "a copy where only root may write" 1 bh backup "$work/root/copy"
like "it says so, too" "$err" "cannot make $work/root/copy: Permission denied \(as nobody, who owns"
status "a dump where only root may write" 1 bh dump "$work/root/dump"
like "it says so, too" "$err" "cannot write $work/root/dump: Permission denied \(as nobody, who owns"
status "on standard output it is given" 0 bash -c "'$BILLHOOK' dump >'$work/root/dump'"
check "all of it" grep -q '"count"' "$work/root/dump"
status "serve --detach as root" 0 bh serve --detach
wait_for 10 test -S "$BILLHOOK_DIR/run/front.sock"
is "its processes are the owner's" "$(stat -c %U "/proc/$(supervisor)")" nobody
is "and have none of root's rights" "$(sed -n 's/^\(Groups\|CapEff\):[[:space:]]*//p' "/proc/$(supervisor)/status" | tr '\n' ' ')" "65534  0000000000000000 "
is "a webhook is taken" "$(send stripe '{"customer":"cus_1","name":"Acme"}')" '200 {"status":"accepted"}'
seen "the record arrives" "lane('sandbox').in_step" 1
status "the owner stops them" 0 owner stop
status "check as root" 0 bh check
status "check as the owner" 0 owner check
is "all is the owner's" "$(foreign)" ""

# -- the recipe of docs/personal-data.md, word by word --
# shellcheck disable=SC2016 # the fences of Markdown
sed -n '/^### Bytes in the database/,$p' "$BH_SRCDIR/docs/personal-data.md" | sed -n '/^```sh$/,/^```$/{//!p}' |
	sed "s|/var/lib/billhook|$BILLHOOK_DIR|g" >"$work/recipe"
like "the recipe is read" "$(cat "$work/recipe")" "^ *billhook load $BILLHOOK_DIR"
status "the recipe as root" 0 env PATH="$work:$PATH" sh "$work/recipe"
is "nothing is left of it, all is the owner's" "$(cd "$BILLHOOK_DIR" && echo ./*) $(foreign)" \
	"./billhook.conf ./db ./key ./log ./run "
start serve setpriv --reuid 65534 --regid 65534 --clear-groups "$BILLHOOK" serve
wait_for 10 owner status || not_ok "it serves" "$(cat "$work/serve.log")"
seen "what was there is there" "lane('sandbox').in_step" 1
wait_for 10 test -S "$BILLHOOK_DIR/run/front.sock"
is "and webhooks are taken" "$(send stripe '{"customer":"cus_2","name":"Beta"}')" '200 {"status":"accepted"}'
owner stop --quiet
status "the same as the owner" 0 setpriv --reuid 65534 --regid 65534 --clear-groups env PATH="$work:$PATH" sh "$work/recipe"

# -- the README, without a browser: what leads to a set-up, word by word --
sed -n '/^### The same without a browser/,/^## /p' "$BH_SRCDIR/README.md" >"$work/readme"
# shellcheck disable=SC2016 # the fences of Markdown
sed -n '/^```json$/,/^```$/{//!p}' "$work/readme" >"$work/root/setup.json"
echo "made up" >"$work/root/crm.secret"
# shellcheck disable=SC2016
sed -n '/^```sh$/,/^```$/{//!p}' "$work/readme" | sed '/^billhook check/,$d' >"$work/root/recipe"
sed -i "s|/var/lib/billhook|$work/readme-data|; s|_\.\.\.|_0123456789abcdef|g; s|-g www-data|-g nogroup|; s|www-data|nobody|g" "$work/root/recipe" "$work/root/setup.json"
dirs+=("$work/readme-data")
billhook() {
	BILLHOOK_DIR=$work/readme-data bh "$@"
}
# shellcheck disable=SC2317 # called by status
readme() (
	cd "$work/root" || exit
	set -e
	# shellcheck source=/dev/null
	. ./recipe
)
status "the README's commands" 0 readme
like "set it up" "$out" '^sync stripe-crm: added'
is "with both secrets sealed" "$(billhook dump | grep -c '^{"k":"Ac\(stripe\|crm\).*secrets')" 2
is "and its files gone or the owner's" "$(ls "$work/readme-data") $(find "$work/readme-data" ! -user nobody)" \
	"$(printf 'billhook.conf\ndb\nkey\nlog\nrun\nsetup.json ')"

# -- where root was there before --
for one in "bh db" "bh log/billhook.log" "owner key"; do
	read -r who name <<<"$one"
	chown root "$BILLHOOK_DIR/$name"
	status "$name is root's: check as $who" 1 "$who" check
	like "says so" "$out" "^FAILED owner: $BILLHOOK_DIR/$name belongs to root: chown -R nobody: $BILLHOOK_DIR$"
	eval "$(sed -n 's/.*belongs to root: //p' <<<"$out")"
	is "with the remedy" "$(foreign) $(owner check | grep -c FAILED)" " 0"
done
finish
