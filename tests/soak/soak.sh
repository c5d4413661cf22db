#!/bin/sh
# A hundred programs and, each second, a fault at random (F24), for SOAK_HOURS
# (24) or SOAK_SECONDS.  soak.py does the faults and is the referee; SOAK_SEED
# repeats the order of a run.
. "$(dirname "$0")/../e2e/lib.sh"
[ -n "${MPSUPD_NS:-}" ] || in_mount_namespace

mkdir "$T/ref" "$T/disk"
mount -t tmpfs -o size=1m tmpfs "$T/disk" || skip "cannot mount a tmpfs"
cat >"$T/programs" <<E
[DEFAULT]
startsecs = 0
autorestart = true
restart_delay = 50ms
restart_delay_max = 200ms
stopwaitsecs = 30
stdout_logfile_maxbytes = 20KB
stdout_logfile_backups = 2
[program:steady]
command = $HELPERS/soaker $T/ref %(process_num)d 0
process_name = %(process_num)d
numprocs = 60
[program:short]
command = $HELPERS/soaker $T/ref %(process_num)d 4000
process_name = %(process_num)d
numprocs = 36
numprocs_start = 60
[program:brief]
command = $HELPERS/soaker $T/ref %(process_num)d 200
process_name = %(process_num)d
numprocs = 2
numprocs_start = 96
[program:full]
command = $HELPERS/soaker $T/ref 98 0
process_name = 98
stdout_logfile = $T/disk/full.log
[program:writer]
command = $HELPERS/writer $T/writer.n 20
stdout_logfile_maxbytes = 1MB
stdout_logfile_backups = 100000
E
conf <"$T/programs"
cp "$CONF" "$T/base.ini"
start_daemon
python3 "$TOP/tests/soak/soak.py" "$T" "$MPSUPD" "$CONF" || fail "see above"

# The writer was never ended: what it wrote is all there, once.
expect 0 m stop
got=$(find "$T/log" -name 'writer.stdout.log*' | sort -t. -k4,4nr |
	xargs cat | "$HELPERS/verify") || fail "writer: $got"
check '[ "$got" = "$(cat "$T/writer.n")" ]' \
	"the writer wrote $(cat "$T/writer.n") lines, the log has $got"
echo "$got lines of the writer, none lost or repeated"
sed -i '/took over/d' "$DLOG" # as they should
finish
