#!/bin/sh
# What the shells offer for a line that is being typed.
. "$(dirname "$0")/lib.sh"
command -v bash >/dev/null || skip "bash is not installed"

conf <<E
[program:web]
command = sleep 1000
process_name = web%(process_num)d
numprocs = 2
[program:worker]
command = sleep 1000
E
start_daemon
cd "$T"
touch 'a file.conf' another.ini

cat >bash.sh <<'E'
. "$TOP/src/cli/completion.bash"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_mpsupd
printf '%s\n' "${COMPREPLY[@]}"
E
# No line editor here: what would go to it is printed.
cat >zsh.sh <<'E'
compadd() {
	[[ $1 == -- ]] && shift
	local w
	for w; [[ $w == "$PREFIX"* ]] && print -r -- $w
}
_describe() {
	compadd -- ${${(P)2}%%:*}
}
_files() {
	compadd -- *(N)
}
compset() {
	PREFIX=${PREFIX#*=}
}
words=("$@")
CURRENT=$#
PREFIX=$words[-1]
. "$TOP/src/cli/completion.zsh"
true # it may have found nothing
E

# offered WORD...: the line; what is offered for it in $T/out, a line each.
offered() {
	# shellcheck disable=SC2086 # a command
	expect 0 env TOP="$TOP" $shell "${shell%% *}.sh" "$@"
}
is_offered() {
	for w; do
		grep -qxF -e "$w" "$T/out" || fail "$shell does not offer $w:
$(cat "$T/out" "$T/err")"
	done
	check '[ ! -s "$T/err" ]' "$(cat "$T/err")"
}
only() {
	is_offered "$@"
	[ "$(grep -c . "$T/out")" = $# ] || fail "$shell offers more than $*:
$(cat "$T/out")"
}

"$MPSUPD" help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' >commands
check '[ "$(wc -l <commands)" -ge 15 ]'

for shell in 'bash --norc' 'zsh -f'; do
	command -v "${shell%% *}" >/dev/null || continue
	offered "$MPSUPD" ''
	# shellcheck disable=SC2046 # words
	only $(cat commands)
	offered "$MPSUPD" st
	only start status stop
	offered "$MPSUPD" help dump
	only dump-config

	# Every command, with every option of its help.
	while read -r command; do
		offered "$MPSUPD" "$command" -
		is_offered --help --json --config --socket
		cp out offers
		"$MPSUPD" help "$command" | tr -c 'a-z-' '\n' |
			grep -x -e '--[a-z-]*' >options || true
		while read -r option; do
			grep -qxF -e "$option" offers || fail \
				"$shell: $command: $option is not offered"
		done <options
	done <commands

	offered "$MPSUPD" -s "$SOCKET" stop w
	case $shell in
	bash*) only web:web0 web:web1 'web:\*' worker ;;
	*) only web:web0 web:web1 'web:*' worker ;;
	esac
	offered "$MPSUPD" --socket="$SOCKET" logs -n 5 wo
	only worker
	offered "$MPSUPD" -c "$CONF" restart worker al
	only all
	offered "$MPSUPD" signal --socket "$SOCKET" USR
	only USR1 USR2
	offered "$MPSUPD" signal --socket "$SOCKET" HUP wor
	only worker
	offered "$MPSUPD" -s "$SOCKET" logs worker ''
	only
	offered "$MPSUPD" -c "$CONF" enable w
	only web worker
	offered "$MPSUPD" wait --for STO
	only STOPPED STOPPING
	offered "$MPSUPD" wait --for=R
	only RUNNING
	offered "$MPSUPD" -c a
	only 'a file.conf' another.ini
	offered "$MPSUPD" check an
	only another.ini
	# Nobody there: nothing, and no word.
	offered "$MPSUPD" -s "$T/nothing" stop w
	only
done

# As readline splits it: colons are words.
shell='bash --norc'
offered "$MPSUPD" -s "$SOCKET" stop web : web
only web0 web1
command -v zsh >/dev/null || skip "zsh is not installed; bash was tried"
finish
