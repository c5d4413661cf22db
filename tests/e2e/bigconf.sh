#!/bin/sh
# Large and hostile configurations: quick, and refused with words.
. "$(dirname "$0")/lib.sh"

i=0
python3 -c 'for i in range(10000): print("[program:p%d]\ncommand = sleep %d\nenvironment = A=\"x\",B=\"y\"" % (i, i))' | conf
cpu
from=$CPU
expect 0 m check
said "10000 processes"
cpu
check '[ $((CPU - from)) -le $((300 * SLOW)) ]' "$((CPU - from)) cs"

refused() { # FILE
	cpu
	from=$CPU
	expect 2 timeout $((60 * SLOW)) "$MPSUPD" -c "$1" check
	cpu
	check '[ $((CPU - from)) -le $((300 * SLOW)) ]' "$1: $((CPU - from)) cs"
	check '[ -s "$T/err" ]' "$1: no word"
	check '[ "$(wc -c <"$T/err")" -lt 2000000 ]' "$1: too many words"
	check 'LC_ALL=C awk "/[\\001-\\010\\016-\\037\\177]/ { exit 1 }" "$T/err"' \
		"$1: control bytes in messages"
}
head -c 10000000 /dev/urandom >"$T/garbage"
refused "$T/garbage"
head -c 10000000 /dev/zero >"$T/zeros"
refused "$T/zeros"
yes '[program:a]' | head -c 10000000 >"$T/sections"
refused "$T/sections"
yes 'key = value' | head -c 3000000 >"$T/keys"
refused "$T/keys"
{ echo '[program:x]'; printf 'command = '; head -c 20000000 /dev/zero |
	tr '\0' x; } >"$T/line"
refused "$T/line"
printf '[program:x]\ncommand = a\0b\n' >"$T/nul"
refused "$T/nul"
refused "$T"
refused "$T/none"
refused /dev/null/x

# A name too long or odd; too many processes.
for n in 'a:b' 'a/b' 'a b' ''; do
	printf '[program:%s]\ncommand = true\n' "$n" >"$T/name"
	refused "$T/name"
done
printf '[program:x]\ncommand = true\nnumprocs = 20000\n' >"$T/many"
refused "$T/many"

# A byte order mark, CRLF and no newline at the end are no trouble.
printf '\357\273\277[program:x]\r\ncommand = true\r\n' >"$T/dos"
expect 0 m -c "$T/dos" check
printf '[program:x]\ncommand = true' >"$T/short"
expect 0 m -c "$T/short" check
finish
