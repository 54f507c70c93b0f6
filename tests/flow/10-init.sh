#!/usr/bin/env bash
# A data directory is made, explained, and left alone when it is there.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

dir=$work/data
dirs+=("$dir")
mode() {
	stat -c %a "$1"
}

status "init" 0 bh init --dir "$dir"
like "init says where it is and what comes next" "$out" "^data directory: $dir\$"
like "init says to keep a copy of the key" "$out" 'Keep a copy of the file "key"'
like "init names the next step" "$out" 'next: billhook apply'
like "the user is set" "$out" '^user admin is set$'
unlike "the password is not shown" "$out$err$(cat "$dir"/log/*)" 'correct horse'

is "the directory is ours alone" "$(mode "$dir")" 700
for name in db log run; do
	is "$name is ours alone" "$(mode "$dir/$name")" 700
done
is "the key is ours alone" "$(mode "$dir/key")" 600
like "the key is 32 bytes in hex" "$(cat "$dir/key")" '^[0-9a-f]{64}$'
is "the options are ours alone" "$(mode "$dir/billhook.conf")" 600
is "every option is there, commented out" "$(grep -vc '^#\|^$' "$dir/billhook.conf")" 0
like "an option stands with its default" "$(cat "$dir/billhook.conf")" '^#body_max = 1048576$'
is "nothing else was made" "$(cd "$dir" && echo *)" "billhook.conf db key log run"
check "nothing stays running" wait_for 5 none_left

# -- once more --
key=$(cat "$dir/key")
echo "workers = 2" >>"$dir/billhook.conf"
conf=$(cat "$dir/billhook.conf")
status "init again" 0 bh init --dir "$dir"
unlike "it does not speak of a new key" "$out" 'Keep a copy'
is "the key is kept" "$(cat "$dir/key")" "$key"
is "the options are kept" "$(cat "$dir/billhook.conf")" "$conf"

# -- ways to name directory and password --
export BILLHOOK_DIR=$work/by-env
dirs+=("$BILLHOOK_DIR")
status "the environment names the directory" 0 bh init --quiet
is "quiet says nothing" "$out$err" ""
check "it is there" test -f "$work/by-env/key"
(cd "$work" && bh init --quiet --dir relative) || not_ok "a relative directory"
dirs+=("$work/relative")
check "a relative directory" test -f "$work/relative/key"
status "another user's name" 0 bh user ops
like "says so" "$out" '^user ops is set$'

unset BILLHOOK_PASSWORD
printf 'from a file 1\r\n' >"$work/password"
status "a password from a file" 0 bh user filed --password-file "$work/password"
status "a password from standard input" 0 bash -c "echo another-one | '$BILLHOOK' user piped --password-file -"
status "a missing password file" 1 bh user filed --password-file "$work/none"
like "is named" "$err" "cannot open $work/none"
status "a short password" 1 bash -c "echo short | '$BILLHOOK' user piped --password-file -"
like "is refused with the rule" "$err" 'at least 8 characters'
status "a user's name with blanks" 1 bh user "two words"
like "is refused with the rule" "$err" 'a-z, 0-9'
status "without any password one is made" 0 bh user made </dev/null
like "and shown once" "$out" '^user made, password [a-z2-7]{20,} \(shown only now\)$'
made=${out#*password } made=${made%% *}
unlike "it is not in the log" "$(log)" "$made"
bh stop --quiet

# -- without a user: the first one is made in the browser --
dirs+=("$work/no-user")
status "init without a user" 0 bh init --dir "$work/no-user" --no-user
like "prints the setup code" "$out" '^setup code: ([a-z2-7]{5}-){3}[a-z2-7]{5} '
code=${out#*setup code: } code=${code%% *}
is "which stands in its file" "$(cat "$work/no-user/setup-code")" "$code"
is "that is ours alone" "$(mode "$work/no-user/setup-code")" 600
unlike "and not in the log" "$(cat "$work"/no-user/log/*)" "$code"
status "init without a user again" 0 bh init --dir "$work/no-user" --no-user
like "leaves the code as it is" "$out" "^setup code: $code "
BILLHOOK_PASSWORD='correct horse' bh init --quiet --dir "$work/no-user"
run bh init --dir "$work/no-user" --no-user
unlike "with a user there is no code" "$out" 'setup code'

# What a web server starts makes an empty directory ready, and no other.
# shellcheck disable=SC2317 # called by status
cgi_home() {
	env -i PATH="$PATH" BILLHOOK_SOURCE="$BILLHOOK_SOURCE" BILLHOOK_DIR="$1" GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET \
		REQUEST_URI=/setup SCRIPT_NAME= PATH_INFO=/setup SERVER_PROTOCOL=HTTP/1.1 REMOTE_ADDR=192.0.2.1 "$BILLHOOK"
}
mkdir -m 755 "$work/empty"
dirs+=("$work/empty")
status "the first request of an empty directory" 0 cgi_home "$work/empty"
like "is answered with the first page" "$out" '<h1>Welcome</h1>'
is "the directory is ours alone" "$(mode "$work/empty")" 700
check "it has a key" test -f "$work/empty/key"
check "and a setup code" test -f "$work/empty/setup-code"
BILLHOOK_DIR=$work/empty bh stop --quiet
rm "$work/empty/key"
run cgi_home "$work/empty"
check "a lost key is not made anew" test ! -e "$work/empty/key"
BILLHOOK_DIR=$work/empty bh stop --quiet

# -- what cannot work --
export BILLHOOK_PASSWORD='correct horse battery'
echo >"$work/file"
status "a file in the place of the directory" 1 bh init --dir "$work/file"
like "is named" "$err" "$work/file"
status "a directory below a file" 1 bh init --dir "$work/file/below"
like "is named, too" "$err" "$work/file/below"
if [ "$(id -u)" -ne 0 ]; then
	mkdir -m 500 "$work/locked"
	status "a directory that may not be written" 1 bh init --dir "$work/locked/data"
	like "is named with the reason" "$err" 'Permission denied'
fi
status "a verb without a directory" 1 bh status --dir "$work/nowhere"
like "points to init" "$err" 'billhook init'
check "and makes none" test ! -e "$work/nowhere"

mkdir -m 700 "$work/bad-conf"
for line in 'workers = many' 'workers = 0' 'no_such = 1' 'just words' 'log_level = loud' 'trusted_proxies = here'; do
	echo "$line" >"$work/bad-conf/billhook.conf"
	run bh init --dir "$work/bad-conf"
	like "billhook.conf with \"$line\": status 1, file and name" "$rc $err" "^1 billhook: .*billhook.conf line 1.*"
done

cp -r "$work/by-env" "$work/bad-place"
dirs+=("$work/bad-place")
printf 'public_url = ftp://x\ntemplate_dir = /nonexist\nlog_file = /nonexist/a\n' >"$work/bad-place/billhook.conf"
status "values that cannot work" 1 bh check --dir "$work/bad-place"
like "are told by check: the address" "$out" '^FAILED options: public_url must be like https://'
like "templates" "$out" '^FAILED options: template_dir: cannot read /nonexist: No such file'
like "the log" "$out" '^FAILED options: log_file: cannot write /nonexist/a: No such file'
unlike "not as good" "$out" '^ok +options'
status "and by a verb" 1 bh status --dir "$work/bad-place"
is "the log, not the database" "$err" "billhook: log_file: cannot write /nonexist/a: No such file or directory; nothing starts without its log"
echo 'public_url = https://x.example/' >"$work/bad-place/billhook.conf"
run bh check --dir "$work/bad-place"
like "a final slash is taken" "$out" '^ok +options'

cp -r "$work/by-env" "$work/bad-key"
dirs+=("$work/bad-key")
rm "$work/bad-key/key"
status "a lost key" 1 bh status --dir "$work/bad-key"
like "is explained" "$err" 'key'
echo "not a key" >"$work/bad-key/key"
status "a broken key" 1 bh status --dir "$work/bad-key"
like "is explained, too" "$err" "$work/bad-key/key"

chmod 755 "$work/by-env"
run bh check
like "check warns of a directory that others may read" "$rc $out" '^1 .*'
like "with the remedy" "$out" 'chmod 700'
finish
