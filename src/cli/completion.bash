# Completion of mpsupd for bash.  It knows no command by itself:
# `mpsupd help --completion` prints the table of them, a line each of
# name, operands, options and text, with tabs between, and
# `mpsupd help --completion KIND` what there is of a kind of operand.
# shellcheck shell=bash

# Sets the caller's operands and options to those of command $1 in $table.
_mpsupd_row()
{
	local name

	while IFS=$'\t' read -r name operands options _; do
		[[ $name == "$1" ]] && return
	done <<<"$table"
	operands=- options=
}

# What the option $1 takes: a kind; nothing if it is no option of that sort.
_mpsupd_value()
{
	local o

	for o in $options; do
		[[ $o == "$1="* ]] && echo "${o#*=}" && return
	done
}

_mpsupd()
{
	local IFS=$' \t\n'
	local words=() ask table operands options kinds kind='' name='' glue=''
	local cur w prefix n=0 i

	# Readline has split at : and =, too.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		w=${COMP_WORDS[i]}
		if [[ ${#words[@]} -gt 0 && ($glue || $w =~ ^[:=]+$) ]]; then
			words[-1]+=$w
		else
			words+=("$w")
		fi
		[[ $w =~ ^[:=]+$ ]] && glue=1 || glue=
	done
	cur=${words[-1]}
	ask=("${words[0]}")
	table=$("${ask[@]}" help --completion 2>/dev/null) || return
	_mpsupd_row -

	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		w=${words[i]}
		case $w in
		--config=* | --socket=*) ask+=("$w") ;;
		-*)
			kind=$(_mpsupd_value "$w")
			[[ $kind ]] || continue
			((++i == ${#words[@]} - 1)) && break # it is $cur
			[[ $kind == FILE || $kind == SOCKET ]] &&
				ask+=("$w" "${words[i]}")
			kind=
			;;
		*)
			if [[ $name ]]; then
				((n++))
			else
				name=$w
				_mpsupd_row "$name"
			fi
			;;
		esac
	done

	if [[ ! $kind && $cur == --*=* ]]; then
		kind=$(_mpsupd_value "${cur%%=*}")
		[[ $kind ]] || return
		cur=${cur#*=}
	elif [[ ! $kind && $cur == -* ]]; then
		kind=-
	elif [[ ! $kind && ! $name ]]; then
		kind=COMMAND
	elif [[ ! $kind ]]; then
		read -ra kinds <<<"$operands"
		if ((n < ${#kinds[@]})); then
			kind=${kinds[n]}
		elif [[ ${kinds[-1]} == *... ]]; then
			kind=${kinds[-1]}
		fi
		[[ $kind == - ]] && return
	fi

	case $kind in
	FILE | SOCKET)
		compopt -o filenames 2>/dev/null # it says no outside of readline
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-) mapfile -t words < <(tr ' ' '\n' <<<"$options" | cut -d = -f 1) ;;
	COMMAND) mapfile -t words < <(cut -f 1 <<<"$table" | grep -vx -e -) ;;
	*) mapfile -t words < <("${ask[@]}" help --completion "${kind%...}" \
		2>/dev/null) ;;
	esac
	# What readline holds for done: up to the last colon.
	prefix=
	[[ $COMP_WORDBREAKS == *:* ]] && prefix=${cur%"${cur##*:}"}
	COMPREPLY=()
	for w in "${words[@]}"; do
		[[ $w == "$cur"* ]] || continue
		printf -v w %q "${w#"$prefix"}"
		COMPREPLY+=("$w")
	done
}
complete -F _mpsupd mpsupd
