#!/usr/bin/env bash
# Mail over TLS: from the start and by STARTTLS, to a server whose certificate is
# checked and that asks for a login; to one that cannot be trusted, or offers no
# TLS, neither mail nor password goes.
# shellcheck disable=SC2015,SC2317 # the last of them may only complain; called by wait_for
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
need openssl openssl

# certificate NAME HOST BY: of that host, signed by BY's key
certs=$work/certs
mkdir "$certs" "$work/mail"
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$certs/$1.key" -out "$certs/$1.crt" \
		-subj "/CN=$1" -days 2 2>/dev/null || not_ok "an authority is made"
}
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$certs/$1.key" -out "$certs/$1.csr" -subj "/CN=$2" 2>/dev/null &&
		openssl x509 -req -in "$certs/$1.csr" -CA "$certs/$3.crt" -CAkey "$certs/$3.key" -CAcreateserial -days 1 \
			-extfile <(echo "subjectAltName=DNS:$2") -out "$certs/$1.crt" 2>/dev/null || not_ok "a certificate is made" "$1"
}
authority ours
authority theirs
# Names below .localhost are this machine's, but are not taken for it: TLS is insisted on.
certificate smtps mail.localhost ours
certificate starttls mail.localhost ours
certificate strange mail.localhost theirs
certificate starttls-strange mail.localhost theirs
certificate elsewhere mail.example.com ours
export CURL_CA_BUNDLE=$certs/ours.crt FLOW_MAIL=mail-flow-secret FLOW_WRONG=wrong-flow-secret
start smtp node "$BH_SRCDIR/tests/sim/smtp.mjs" "$work/mail" "$certs"
are_up() {
	[ "$(find "$work/mail" -name '*.port' -size +0 | wc -l)" -eq 6 ]
}
wait_for 10 are_up || not_ok "the mail servers start" "$(cat "$work/smtp.log")"

new_dir mail
# target CODE SCHEME SERVER [SECRET]
target() {
	echo "{\"code\": \"$1\", \"kind\": \"mail\", \"settings\": {\"server\": \"$2://mail.localhost:$(cat "$work/mail/$3.port")\", \"user\": \"billhook\",
		\"from\": \"billhook@example.com\", \"to\": [\"ops@example.com\"]}, \"secrets\": {\"password\": \"env:${4:-FLOW_MAIL}\"}}"
}
bh apply --quiet - <<END || not_ok "apply"
{ "billhook": 1, "alerts": { "targets": [
	$(target smtps smtps smtps), $(target starttls smtp starttls), $(target wrong smtps smtps FLOW_WRONG), $(target wrong-later smtp starttls FLOW_WRONG),
	$(target strange smtps strange), $(target strange-later smtp starttls-strange), $(target elsewhere smtps elsewhere), $(target none smtp none) ] } }
END
# last NAME EXPRESSION: of m, the last mail
last() {
	tail -n 1 "$work/mail/$1" | node -e 'const m = JSON.parse(require("fs").readFileSync(0)); console.log(eval(process.argv[1]))' "$2"
}
# took NAME: how many mails
took() {
	[ -f "$work/mail/$1" ] && wc -l <"$work/mail/$1" || echo 0
}
for how in smtps starttls; do
	status "$how: a mail on trial is sent" 0 bh alert test $how
	is "$how: it arrives, under TLS" "$(took $how) $(last $how 'm.isSecure')" "1 true"
	is "$how: with who it is for" "$(last $how 'm.from + " " + m.to')" "<billhook@example.com> <ops@example.com>"
	like "$how: and its text" "$(last $how m.text)" "alerts of Billhook arrive here, as $how"
done
is "STARTTLS: nothing but that is said in the clear" "$(sed 's/^EHLO .*/EHLO/' "$work/mail/starttls.clear" | paste -sd,)" "EHLO,STARTTLS"
is "smtps: nothing is" "$(test -e "$work/mail/smtps.clear" && echo something)" ""

# refuses NAME TARGET SERVER WHY
refuses() {
	local before
	before=$(took "$3")
	status "$1: no mail goes" 1 bh alert test "$2"
	like "$1: it is said why" "$err" "$4"
	like "$1: it is listed" "$(bh alert)" "failed: .*$4"
	is "$1: the server got none" "$(took "$3")" "$before"
}
refuses "a wrong password" wrong smtps 'the mail server refuses this user or password'
refuses "a wrong password, STARTTLS" wrong-later starttls 'the mail server refuses this user or password'
refuses "a certificate of a stranger" strange strange "mail server's certificate cannot be trusted"
refuses "a certificate of a stranger, STARTTLS" strange-later starttls-strange "mail server's certificate cannot be trusted"
refuses "a certificate of another host" elsewhere elsewhere "mail server's certificate cannot be trusted"
refuses "a server without TLS" none none 'the mail server offers no TLS'
for name in none starttls-strange; do
	unlike "$name: no login was tried" "$(cat "$work/mail/$name.clear")" 'AUTH|MAIL'
done

# The same server, trusted after all: what failed is over.
export CURL_CA_BUNDLE=$certs/theirs.crt
bh stop --quiet
status "trusted, it takes the mail" 0 bh alert test strange
unlike "nothing fails there any more" "$(bh alert | grep -A1 '^strange ')" 'failed'
unlike "passwords are not logged" "$(log)" 'flow-secret'
unlike "nor kept in the open" "$(bh dump)" 'flow-secret'
bh stop --quiet
finish
