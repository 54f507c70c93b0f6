#!/usr/bin/env bash
# A billing system and a CRM are connected, a sync is made, mapped, previewed and started with the keyboard alone, in
# Chromium behind lighttpd: Tab reaches everything, and the focus is seen.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=billing.sh
. "$flow/billing.sh"
leave_root
# shellcheck source=people.sh
. "$flow/people.sh"

behind_lighttpd keyboard
option public_url "$url"
serve_web
SF_URL='' in_chromium keyboard.mjs
like "the sandbox holds what was mapped" "$(bh preview stripe-sandbox customer cus_1)" '^ *name: "ACME" -> "ACME"'
unlike "nothing to complain in the log" "$(log)" ' error | killed | ended with status'
finish
