#!/usr/bin/env bash
# The page of alerts in Chromium behind lighttpd: a target is added, refused,
# tried and removed, what its receiver says is shown; with script off and on,
# axe finds nothing. FLOW_SHOTS as for 85-pages.sh.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root

need_chromium
behind_lighttpd alert-pages
serve_web

mkdir "$work/told" "$work/home"
start receivers node "$flow/receivers.mjs" "$work/told"
wait_for 10 test -s "$work/told/slack.port" -a -s "$work/told/smtp.port" || not_ok "the receivers start"

HOME=$work/home adopt node "$flow/alert-pages.mjs" "$url" "$work/told"
unlike "no secret in the log" "$(log)" 'secret-path|wrong-word'
finish
