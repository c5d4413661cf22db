#compdef mpsupd
# Completion of mpsupd for zsh; see completion.bash, which does the same.

_mpsupd()
{
	emulate -L zsh
	local table row name= kind= w i
	local -a ask rows operands options found
	integer n=0

	ask=(${(Q)words[1]})
	table=$($ask help --completion 2>/dev/null) || return 1
	rows=("${(@f)table}")

	# Sets operands and options to those of command $1.
	_mpsupd_row()
	{
		local -a column
		operands=() options=()
		for row in $rows; do
			column=("${(@ps:\t:)row}")
			[[ $column[1] == $1 ]] || continue
			operands=(${(s: :)column[2]})
			options=(${(s: :)column[3]})
			return
		done
	}
	# Sets kind to what the option $1 takes, or to nothing.
	_mpsupd_value()
	{
		local o=${options[(r)${(b)1}=*]}
		kind=${o#*=}
	}

	_mpsupd_row -
	for ((i = 2; i < CURRENT; i++)); do
		w=${(Q)words[i]}
		case $w in
		(--config=*|--socket=*) ask+=($w) ;;
		(-*)
			_mpsupd_value $w
			[[ -n $kind ]] || continue
			((++i == CURRENT)) && break # it is being typed
			[[ $kind == (FILE|SOCKET) ]] &&
				ask+=($w ${(Q)words[i]})
			kind=
			;;
		(*)
			if [[ -n $name ]]; then
				((n++))
			else
				name=$w
				_mpsupd_row $name
			fi
			;;
		esac
	done

	w=$words[CURRENT]
	if [[ -z $kind && $w == --*=* ]]; then
		_mpsupd_value ${w%%=*}
		compset -P '*='
	elif [[ -z $kind && $w == -* ]]; then
		compadd -- ${options%%=*}
		return
	elif [[ -z $kind && -z $name ]]; then
		kind=COMMAND
	elif [[ -z $kind ]]; then
		kind=$operands[n+1]
		[[ -z $kind && $operands[-1] == *... ]] && kind=$operands[-1]
	fi

	case $kind in
	(''|-) return 1 ;;
	(FILE|SOCKET) _files ;;
	(COMMAND)
		for row in $rows[2,-1]; do
			found+=("${row%%$'\t'*}:${row##*$'\t'}")
		done
		_describe command found
		;;
	(*)
		found=("${(@f)$($ask help --completion ${kind%...} 2>/dev/null)}")
		compadd -- $found
		;;
	esac
}
_mpsupd "$@"
