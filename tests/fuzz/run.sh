#!/bin/sh
# Fuzzes: run.sh [TARGET...]   (conf, peer, ...; all if none is named)
# BUILD=DIR with the fuzzers, FUZZ_SECONDS for each, JOBS at a time.
# One line for each; what it grew stays in $BUILD/corpus, an input that is
# a finding in $BUILD/findings, and then the exit code is not 0.
set -u

here=$(cd "$(dirname "$0")" && pwd)
top=${here%/tests/fuzz}
BUILD=${BUILD:-build-fuzz}
case $BUILD in /*) ;; *) BUILD=$top/$BUILD ;; esac
FUZZ_SECONDS=${FUZZ_SECONDS:-60}
export BUILD FUZZ_SECONDS

number() { # FILE PATTERN: the last number that stands behind it
	tr '\r' '\n' <"$1" | sed -n "s/.*$2 *\([0-9][0-9]*\).*/\1/p" |
		tail -n 1
}

run_one() {
	name=$1
	log=$BUILD/findings/$name.log
	mkdir -p "$BUILD/corpus/$name" "$BUILD/findings"
	set -- "$BUILD/corpus/$name"
	for dir in corpus crashes; do
		[ ! -d "$here/$dir/$name" ] || set -- "$@" "$here/$dir/$name"
	done
	[ ! -e "$here/$name.dict" ] || set -- -dict="$here/$name.dict" "$@"
	(cd "$BUILD/findings" &&
		ASAN_OPTIONS=detect_leaks=1 "$BUILD/fuzz/fuzz_$name" \
			-max_total_time="$FUZZ_SECONDS" -timeout=20 \
			-rss_limit_mb=2048 -max_len=4096 \
			-print_final_stats=1 \
			-artifact_prefix="$BUILD/findings/$name-" "$@") \
		>"$log" 2>&1
	code=$?
	runs=$(number "$log" stat::number_of_executed_units:)
	edges=$(number "$log" cov:)
	if [ $code = 0 ]; then
		echo "ok $name: ${runs:-0} executions, ${edges:-0} edges"
	else
		echo "FOUND $name: after ${runs:-0} executions:" \
			"$(grep -m 1 -E 'not true|ERROR|runtime error' "$log")"
		sed -n 's/.*Test unit written to /    input: /p' "$log"
		echo "    log: $log"
		exit 1
	fi
}

if [ "${1:-}" = --one ]; then
	run_one "$2"
	exit 0
fi
if [ $# = 0 ]; then
	for f in "$here"/fuzz_*.c; do
		f=${f##*/fuzz_}
		set -- "$@" "${f%.c}"
	done
fi
# In memory, if that is possible; an input that is a finding leaves files.
TMPDIR=$(mktemp -d /dev/shm/mpsfuzzXXXXXX 2>/dev/null ||
	mktemp -d /tmp/mpsfuzzXXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' HUP INT TERM
printf '%s\n' "$@" | xargs -n 1 -P "${JOBS:-$(nproc)}" "$here/run.sh" --one
