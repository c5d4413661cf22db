# Sourced by every end-to-end and fault test:
#
#	. "$(dirname "$0")/../e2e/lib.sh"
#
# Gives a clean environment, a private directory $T and the functions below.
# Every process that the daemon of a test starts carries MPSUPD_TEST=$T in its
# environment; that is how leftovers are found, and only those are touched.
# shellcheck shell=sh

set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
if [ -z "${MPSUPD_CLEAN:-}" ]; then
	exec env -i MPSUPD_CLEAN=1 SOAK_SECONDS="${SOAK_SECONDS:-}" \
		SOAK_HOURS="${SOAK_HOURS:-24}" SOAK_SEED="${SOAK_SEED:-}" \
		BUILD="$BUILD" TERM=dumb LC_ALL=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME="${HOME:-/}" LOAD="${LOAD:-1}" FULL="${FULL:-}" SLOW="${SLOW:-1}" \
		KEEP="${KEEP:-}" VALGRIND="${VALGRIND:-}" \
		MPSUPD="${MPSUPD:-$BUILD/mpsupd}" \
		${SEED:+SEED="$SEED"} ${SAMPLE:+SAMPLE="$SAMPLE"} \
		${CASE:+CASE="$CASE"} \
		sh ${VERBOSE:+-x} "$0" "$@"
fi

umask 022
HELPERS=$BUILD/tests
[ -x "$MPSUPD" ] || { echo "$MPSUPD is not built" >&2; exit 1; }
T=$(mktemp -d /tmp/mpsXXXXXX) # short: socket paths end at 107 bytes
export T HELPERS MPSUPD MPSUPD_TEST="$T" PYTHONPATH="$TOP/tests/e2e"
export PYTHONDONTWRITEBYTECODE=1
chmod 755 "$T"
CONF=$T/c.ini
SOCKET=$T/run/control.sock
PIDFILE=$T/run/mpsupd.pid
DLOG=$T/log/mpsupd.log
export SOCKET
FINISHED=

SANITIZED=
if grep -q __asan_init "$MPSUPD"; then
	SANITIZED=1
	SLOW=$((SLOW * 3))
	mkdir -m 1777 "$T/san"
	san=log_path=$T/san/report:print_stacktrace=1:handle_segv=1
	export ASAN_OPTIONS="$san:detect_leaks=0:allocator_may_return_null=1:verify_asan_link_order=0"
	export UBSAN_OPTIONS="$san"
fi

# conf [KEY=VALUE...] <SECTIONS: writes $CONF; arguments go to [mpsupd].
conf() {
	{
		printf '[mpsupd]\nrundir = %s/run\nstatedir = %s/state\n' \
			"$T" "$T"
		printf 'logdir = %s/log\n' "$T"
		for key; do printf '%s\n' "$key"; done
		cat
	} >"$CONF.new"
	mv "$CONF.new" "$CONF"
}

m() {
	"$MPSUPD" -c "$CONF" "$@"
}

# expect CODE COMMAND...: its exit code; output in $T/out and $T/err.
expect() {
	want=$1
	shift
	got=0
	"$@" >"$T/out" 2>"$T/err" </dev/null || got=$?
	[ "$got" = "$want" ] ||
		fail "exit code $got, not $want: $*
$(cat "$T/out" "$T/err")"
}

# said TEXT: the last expect printed it.
said() {
	grep -qF -- "$1" "$T/out" "$T/err" || fail "not said: $1
$(cat "$T/out" "$T/err")"
}

# check CONDITION [TEXT]
check() {
	eval "$1" || fail "${2:-false: $1}"
}

# Centiseconds of the monotonic clock in $NOW.
now() {
	read -r NOW _ </proc/uptime
	NOW=${NOW%.*}${NOW#*.}
}

# Centiseconds of processor time in $CPU that ended children took: what is said
# of speed must hold on a machine that others use as well.
cpu() {
	times >"$T/times"
	CPU=$(awk 'NR == 2 { gsub(/[ms]/, " "); printf "%d",
		$1 * 6000 + $2 * 100 + $3 * 6000 + $4 * 100 }' "$T/times")
}

# wait_until CONDITION SECONDS
wait_until() {
	now
	deadline=$((NOW + $2 * 100 * SLOW))
	until eval "$1"; do
		now
		[ "$NOW" -lt "$deadline" ] || fail "not within $2 s: $1"
		sleep 0.03
	done
}

start_daemon() {
	expect 0 m start
}

# field NAME KEY: of one program, from status --json; "null" if it is that.
field() {
	m --json status "$1" | sed 's/.*"programs"://' |
		sed -n "s/.*\"$2\":\\(\"[^\"]*\"\\|[^,}]*\\).*/\\1/p" | tr -d '"'
}

state() {
	field "$1" state
}

pid_of() {
	m pid "$1"
}

is() { # is NAME STATE
	[ "$(state "$1")" = "$2" ]
}

alive() {
	case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' \
		"/proc/$1/status" 2>/dev/null) in
	'' | Z | X) return 1 ;;
	esac
}

keeper() {
	m pid
}

# The present supervisor of keeper $1; nothing while there is none.
supervisor() {
	for p in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		if { tr '\0' '\n' <"/proc/$p/cmdline"; } 2>/dev/null |
			grep -q '^mpsupd: supervisor'; then
			echo "$p"
			return
		fi
	done
}

fds_of() {
	find "/proc/$1/fd" -mindepth 1 | wc -l
}

# Processes of this test's daemons, each on a line: PID COMMAND.  What a test
# starts by itself is one too, unless it is started with `ours`.
ours() {
	exec env -u MPSUPD_TEST "$@"
}

leftovers() {
	for e in $(grep -lz "^MPSUPD_TEST=$T\$" /proc/[0-9]*/environ \
		2>/dev/null); do
		p=${e#/proc/}
		p=${p%/environ}
		# Not this shell's own helpers, and not what is gone by now.
		cmd=$({ tr '\0' ' ' <"/proc/$p/cmdline"; } 2>/dev/null) || continue
		case $cmd in '' | 'grep '*) continue ;; esac
		echo "$p $cmd"
	done
}

kill_leftovers() {
	# All at once: a supervisor that is left becomes the keeper.
	for try in 1 2 3 4 5 6 7 8 9 10; do
		pids=$(leftovers | sed 's/ .*//')
		[ -n "$pids" ] || return 0
		# shellcheck disable=SC2086 # a list
		kill -KILL $pids 2>/dev/null || true
	done
}

# Both processes of the daemon, so that neither replaces the other.
kill_daemon() {
	while k=$(keeper 2>/dev/null) && s=$(supervisor "$k"); do
		[ -n "$s" ] || continue
		kill -KILL "$k" "$s"
		wait_until '! alive $k && ! alive $s' 5
		[ "$(m status >/dev/null 2>&1; echo $?)" != 1 ] || return 0
	done
}

no_leftovers() {
	[ -z "$(leftovers)" ]
}

fail() {
	{
		echo "failed: $*"
		if [ -S "$SOCKET" ]; then
			timeout 5 "$MPSUPD" -s "$SOCKET" status || true
		fi
		[ ! -f "$DLOG" ] || { echo "--- log:"; tail -n 25 "$DLOG"; }
	} >&2
	exit 1
}

skip() {
	FINISHED=skip
	echo "skip: $*"
	exit 77
}

# Goes on as root of a mount namespace, where a test may mount what it likes:
#	[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace
in_mount_namespace() {
	as=
	[ "$(id -u)" = 0 ] || as=--map-root-user
	# shellcheck disable=SC2086 # one word or none
	unshare $as --mount true 2>"$T/why" || skip "$(cat "$T/why")"
	rm -rf "$T"
	trap - EXIT
	# shellcheck disable=SC2086
	MPSUPD_NS=1 exec unshare $as --mount "$0"
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need_strace() {
	command -v strace >/dev/null || skip "no strace"
	strace -o /dev/null true 2>"$T/err" ||
		skip "strace cannot trace: $(tail -n 1 "$T/err")"
}

# need_key KEY VALUE: of [program:x], in this version.
need_key() {
	printf '[mpsupd]\nrundir = %s/run\n[program:x]\ncommand = true\n%s\n' \
		"$T" "$1 = $2" >"$T/key.ini"
	"$MPSUPD" -c "$T/key.ini" check >"$T/out" 2>&1 && return
	skip "$1 is not served by this version"
}

# The groups of a daemon that was killed (FNV-1a of its run directory), and of
# no other: one that is empty for a moment may be another test's.
remove_cgroups() {
	hash=-3750763034362895579
	for byte in $(printf %s "$T/run" | od -An -v -tu1); do
		hash=$(((hash ^ byte) * 1099511628211))
	done
	find /sys/fs/cgroup -maxdepth 6 -type d -path \
		"*/mpsupd-$(printf %016x "$hash")*" -depth \
		-exec rmdir {} + 2>/dev/null
}

# Whatever happens, nothing of ours stays.
cleanup() {
	code=$?
	trap - EXIT
	set +e
	kill_leftovers
	[ "$(id -u)" != 0 ] || remove_cgroups
	if [ -n "$FINISHED" ] || [ "$code" = 77 ]; then
		:
	elif [ "$code" = 0 ]; then
		echo "failed: the test ended without finish" >&2
		code=1
	fi
	# A warning is no error: the child of a vfork leaves without a return.
	if [ -n "$SANITIZED" ] &&
		cat "$T"/san/* 2>/dev/null | grep -qE 'ERROR|runtime error'; then
		cat "$T"/san/* >&2
		code=1
	fi
	[ -z "${MPSUPD_NS:-}" ] || umount -l "$T"/*/ 2>/dev/null
	if [ -n "$KEEP" ]; then
		echo "kept: $T" >&2
	else
		rm -rf "$T"
	fi
	exit "$code"
}
trap cleanup EXIT
trap 'echo "failed: interrupted (time limit?)" >&2; exit 1' HUP INT TERM PIPE

# The end of every test: stops the daemon, and nothing may be left.
finish() {
	if [ -S "$SOCKET" ]; then
		expect 0 timeout $((30 * SLOW)) "$MPSUPD" -s "$SOCKET" stop
	fi
	wait_until no_leftovers 3 || true
	check '[ ! -e "$SOCKET" ]' "the socket is left"
	check '[ ! -e "$PIDFILE" ]' "the pidfile is left"
	log_is_clean
	FINISHED=1
	exit 0
}

log_is_clean() {
	[ ! -f "$DLOG" ] && return
	if grep -inE 'assert|panic|Sanitizer|runtime error|lost bytes' \
		"$DLOG" >"$T/bad"; then
		fail "in the log: $(cat "$T/bad")"
	fi
	# A supervisor may only have ended because a test killed it.
	if grep 'took over: the one before ended by' "$DLOG" |
		grep -v 'by signal 9;' >"$T/bad"; then
		fail "in the log: $(cat "$T/bad")"
	fi
}
