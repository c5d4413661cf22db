#!/bin/sh
# F23: an upgrade that the keeper cannot carry out, for want of a descriptor,
# leaves keeper, supervisor and programs as they are.
. "$(dirname "$0")/../e2e/lib.sh"

# limit PID NUMBER: of its open files, from now on.
limit() {
	python3 -c 'import resource, sys
pid, n = map(int, sys.argv[1:])
hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
resource.prlimit(pid, resource.RLIMIT_NOFILE, (n, hard))' "$1" "$2"
}

conf <<E
[program:a]
command = sleep 1000
startsecs = 0
E
start_daemon
wait_until 'is a RUNNING' 5
k=$(keeper)
s=$(supervisor "$k")
a=$(pid_of a)
# Room for the file that is offered, and not for the question.
limit "$k" $(($(fds_of "$k") + 1))
expect 1 m upgrade
said "nothing changed"
check '[ "$(keeper)" = "$k" ] && [ "$(supervisor "$k")" = "$s" ]'
check '[ "$(pid_of a)" = "$a" ]'
limit "$k" 1000
expect 0 m upgrade
check '[ "$(keeper)" = "$k" ] && [ "$(supervisor "$k")" != "$s" ]'
check '[ "$(pid_of a)" = "$a" ]'
finish
