#!/bin/sh
# F15: a symbolic link, hard link, FIFO, directory or stranger's file where the
# daemon has its files, also in a directory that everybody can write: what it
# points to is unchanged, and it is said what is wrong.
. "$(dirname "$0")/../e2e/lib.sh"

echo "protected_symlinks is $(cat /proc/sys/fs/protected_symlinks)"
dir=$T/open # stands for all that is configured
files() {
	conf "rundir = $dir" "logfile = $dir/daemon.log" \
		"pidfile = $dir/other.pid" "socket = $dir/s" <<E
[program:a]
command = sh -c 'echo hello; exec sleep 1000'
startsecs = 0
stdout_logfile = $dir/a.log
E
}
SOCKET=$dir/s
target() {
	stat -c '%i %a %u %g %s %Y' "$T/target"
	cat "$T/target"
}
owner= # who plants; nobody: with setpriv
plant() { # KIND PATH
	case $1 in
	symlink) $owner ln -s "$T/target" "$2" ;;
	dangling) $owner ln -s "$T/nowhere" "$2" ;;
	hardlink) ln "$T/target" "$2" ;;
	fifo) $owner mkfifo "$2" ;;
	directory) $owner mkdir "$2" ;;
	file) $owner cp "$T/target" "$2" ;;
	esac
}
unharmed() {
	check '[ "$(target)" = "$was" ]' "$kind at $name: the target changed"
	check '[ ! -e "$T/nowhere" ]' "$kind at $name: the link was followed"
}

# Refused: no daemon, its name said, the thing is where it was.
refused() {
	expect 1 m start
	said "$dir/$name"
	unharmed
	no_leftovers || fail "$kind at $name: something runs: $(leftovers)"
}
# The daemon works, and says what it does without.
works() { # [QUIETLY]
	expect 0 m start
	[ -n "${1:-}" ] || said "$dir/${name%.new}"
	wait_until 'is a RUNNING' 5
	unharmed
	expect 0 m stop
	unharmed
}
# The program runs, its output waits, and comes when the way is free.
waits() {
	expect 0 m start
	wait_until 'is a RUNNING' 5
	wait_until 'grep -q "log $dir/$name: cannot write" "$dir/daemon.log"' 5
	unharmed
	[ -d "$dir/a.log" ] && rmdir "$dir/a.log" || rm "$dir/a.log"
	wait_until '[ "$(cat "$dir/a.log" 2>/dev/null)" = hello ]' 5
	expect 0 m stop
}

all() { # KINDS...
	for kind; do
		for name in mpsupd.pid other.pid s daemon.log a.log state \
			state.new; do
			rm -rf "$dir"
			mkdir -m "$mode" "$dir"
			echo precious >"$T/target"
			chmod 644 "$T/target"
			was=$(target)
			plant "$kind" "$dir/$name"
			case $kind/$name in
			*/a.log) waits ;;
			directory/state.new | */state) works ;;
			*/state.new) works quietly ;;
			*) refused ;;
			esac
		done
	done
}
files
mode=1777
[ "$(id -u)" != 0 ] ||
	owner="setpriv --reuid nobody --regid nogroup --clear-groups"
if [ -z "$FULL" ]; then
	all symlink hardlink
	finish
fi
all symlink dangling hardlink fifo directory
[ -z "$owner" ] || all file
owner=
all symlink dangling hardlink fifo directory
mode=755
all symlink dangling hardlink fifo directory
finish
