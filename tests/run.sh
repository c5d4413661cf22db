#!/bin/sh
# Runs the tests: unit programs, inputs of the fuzz targets, then end-to-end and
# fault scripts, $JOBS at a time.
# usage: run.sh [NAME...]   (test_buf, fuzz/conf, e2e/start.sh, fault, ...)
# BUILD=DIR what is tested, MPSUPD=FILE another mpsupd than the one there,
# VALGRIND=1 under valgrind, LIMIT=S for each test, LOAD=N more rounds of what
# is random, VERBOSE=1 traces, KEEP=1 keeps $T, FULL=1 every round of the fault
# tests, ISOLATE=1 each script in namespaces.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=${here%/*}
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
export BUILD

# One test: its output to a file, one line to the terminal.
run_one() {
	name=$1
	out=$RESULTS/$(echo "$name" | tr / _)
	read -r from _ </proc/uptime
	case $name in
	unit/*)
		prog=$BUILD/tests/${name#unit/}
		if [ -n "${VALGRIND:-}" ]; then
			CK_FORK=no CK_DEFAULT_TIMEOUT=0 timeout -k 5 "$LIMIT" \
				valgrind --error-exitcode=99 --leak-check=full \
				-q "$prog" >"$out.out" 2>&1 </dev/null
		else
			timeout -k 5 "$LIMIT" "$prog" >"$out.out" 2>&1 </dev/null
		fi
		;;
	fuzz/*) # its seeds, and what was found once
		find "$here/fuzz/corpus/${name#fuzz/}" \
			"$here/fuzz/crashes/${name#fuzz/}" -type f 2>/dev/null |
			TMPDIR=$RESULTS timeout -k 5 "$LIMIT" xargs \
				"$BUILD/fuzz/fuzz_${name#fuzz/}" >"$out.out" 2>&1
		;;
	*)
		# shellcheck disable=SC2086 # words; nothing, if not isolated
		timeout -k 10 "$LIMIT" $ISOLATED "$here/$name" \
			>"$out.out" 2>&1 </dev/null
		;;
	esac
	code=$?
	read -r to _ </proc/uptime
	took=$((${to%.*}${to#*.} - ${from%.*}${from#*.}))
	took=$((took / 100)).$((took % 100 / 10))s
	case $code in
	0)
		echo ok >"$out.result"
		echo "ok $name $took"
		;;
	77)
		echo skip >"$out.result"
		echo "skip $name: $(sed -n 's/^skip: //p' "$out.out" | tail -n 1)"
		;;
	*)
		echo FAIL >"$out.result"
		case $code in 124 | 137) echo "no end within $LIMIT s" \
			>>"$out.out" ;; esac
		{ echo "FAIL $name $took (exit code $code)"
			sed 's/^/    /' "$out.out" | tail -n 120; } >"$out.text"
		cat "$out.text" # in one piece
		;;
	esac
}

if [ "${1:-}" = --one ]; then
	run_one "$2"
	exit 0
fi

# Processes, mounts and /proc of a test's own, and all of it gone with it.
# --init: the first process there, which takes the orphans away as the host's
# init does, and passes a time limit on to nobody: the test is told itself.
if [ "${1:-}" = --init ]; then
	shift
	trap : HUP INT TERM
	"$@"
	exit $?
fi
isolation() {
	set -- unshare --pid --fork --kill-child --mount --mount-proc
	[ "$(id -u)" = 0 ] || set -- "$@" --user --map-current-user
	if "$@" true 2>"$RESULTS/why"; then
		echo "$* $here/run.sh --init"
	else
		echo "run.sh: without namespaces, they are not allowed here:" \
			"$(cat "$RESULTS/why")" >&2
	fi
}

[ -z "${FULL:-}" ] || LIMIT=${LIMIT:-3600}
LIMIT=${LIMIT:-120}
export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-5}"
if [ -n "${VALGRIND:-}" ]; then
	LIMIT=$((LIMIT * 4))
elif grep -q __asan_init "${MPSUPD:-$BUILD/mpsupd}" 2>/dev/null; then
	LIMIT=$((LIMIT * 3))
fi
RESULTS=$(mktemp -d /tmp/mpsrunXXXXXX)
ISOLATED=
[ -z "${ISOLATE:-}" ] || ISOLATED=$(isolation)
export LIMIT RESULTS ISOLATED
trap 'rm -rf "$RESULTS"' EXIT
trap 'exit 130' HUP INT TERM

for t in "$BUILD"/tests/test_*; do
	case $t in *.d | *'*') continue ;; esac
	echo "unit/${t##*/}"
done >"$RESULTS/list"
for t in "$BUILD"/fuzz/fuzz_*; do
	case $t in *.d | *'*') continue ;; esac
	[ -n "${VALGRIND:-}" ] || echo "fuzz/${t##*/fuzz_}"
done >>"$RESULTS/list"
if [ -n "${VALGRIND:-}" ]; then
	echo "valgrind: unit tests and e2e/valgrind.sh only"
	echo e2e/valgrind.sh >>"$RESULTS/list"
else
	# The long ones first.
	for t in "$here"/fault/*.sh "$here"/e2e/*.sh; do
		[ -x "$t" ] || continue # sourced by others
		echo "${t#"$here"/}"
	done >>"$RESULTS/list"
fi
if [ $# -gt 0 ]; then
	for want; do
		want=${want#tests/}
		grep -xF -e "$want" -e "$want.sh" -e "unit/$want" \
			"$RESULTS/list" || grep "^$want/" "$RESULTS/list" ||
			{ echo "run.sh: no such test: $want" >&2; exit 2; }
	done >"$RESULTS/wanted" || exit 2
	mv "$RESULTS/wanted" "$RESULTS/list"
fi

xargs -n 1 -P "${JOBS:-8}" "$here/run.sh" --one <"$RESULTS/list"

count() {
	cat "$RESULTS"/*.result 2>/dev/null | grep -cx "$1"
}
failed=$(count FAIL)
total=$(wc -l <"$RESULTS/list")
passed=$(count ok)
skipped=$(count skip)
failed=$((total - passed - skipped)) # one that vanished has failed, too
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
