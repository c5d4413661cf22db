/* The table of configuration keys; see confkey.h. */
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/confkey.h"
#include "lib/buf.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define M(field) offsetof(struct conf_main, field)
#define P(field) offsetof(struct conf_process, field)
#define LOG(stream, field)						\
	(P(log) + (stream) * sizeof(struct conf_log) +			\
	    offsetof(struct conf_log, field))

#define SIZE_LIMIT INT64_MAX
#define YEARS_MS (INT64_C(10) * 365 * 86400 * 1000)
#define YEARS_S (YEARS_MS / 1000)

static const struct confkey_choice loglevels[] = {
	{"critical", LOGLEVEL_CRITICAL},
	{"crit", LOGLEVEL_CRITICAL},
	{"error", LOGLEVEL_ERROR},
	{"erro", LOGLEVEL_ERROR},
	{"warn", LOGLEVEL_WARN},
	{"warning", LOGLEVEL_WARN},
	{"info", LOGLEVEL_INFO},
	{"debug", LOGLEVEL_DEBUG},
	{"debg", LOGLEVEL_DEBUG},
	{"trace", LOGLEVEL_DEBUG},
	{"trac", LOGLEVEL_DEBUG},
	{"blather", LOGLEVEL_DEBUG},
	{"blat", LOGLEVEL_DEBUG},
	{NULL, 0},
};

static const struct confkey_choice autorestarts[] = {
	{"unexpected", AUTORESTART_UNEXPECTED},
	{"true", AUTORESTART_YES},
	{"yes", AUTORESTART_YES},
	{"on", AUTORESTART_YES},
	{"1", AUTORESTART_YES},
	{"false", AUTORESTART_NO},
	{"no", AUTORESTART_NO},
	{"off", AUTORESTART_NO},
	{"0", AUTORESTART_NO},
	{NULL, 0},
};

static const struct confkey_choice deaths[] = {
	{"keep", DEATH_KEEP},
	{"kill", DEATH_KILL},
	{NULL, 0},
};

static const struct confkey_choice program_types[] = {
	{"service", TYPE_SERVICE},
	{"oneshot", TYPE_ONESHOT},
	{"forking", TYPE_FORKING},
	{NULL, 0},
};

static const struct confkey_choice overlaps[] = {
	{"skip", OVERLAP_SKIP},
	{"queue", OVERLAP_QUEUE},
	{"kill", OVERLAP_KILL},
	{NULL, 0},
};

static const struct confkey_choice kill_modes[] = {
	{"tree", KILL_TREE},
	{"group", KILL_GROUP},
	{"process", KILL_PROCESS},
	{NULL, 0},
};

static const struct confkey_choice log_formats[] = {
	{"raw", LOG_FORMAT_RAW},
	{"timestamp", LOG_FORMAT_TIMESTAMP},
	{"json", LOG_FORMAT_JSON},
	{NULL, 0},
};

static const struct confkey_choice on_full[] = {
	{"block", ON_FULL_BLOCK},
	{"drop", ON_FULL_DROP},
	{NULL, 0},
};

/* The keys of an output stream, once for each of the two. */
#define STREAM_ROWS(name, stream)					\
	{name "_logfile", NULL, SECT_PROCESS, KEY_LOG, 0, LOG(stream, file), \
	    "AUTO", 0, 0, NULL, NULL,					\
	    "file for " name ": a path, AUTO, NONE or syslog"},		\
	{name "_logfile_maxbytes", NULL, SECT_PROCESS, KEY_SIZE, 0,	\
	    LOG(stream, maxbytes), "50MB", 0, SIZE_LIMIT, NULL, NULL,	\
	    "size at which the " name " file is rotated, 0 for never"},	\
	{name "_logfile_backups", NULL, SECT_PROCESS, KEY_INT, 0,	\
	    LOG(stream, backups), "10", 0, INT32_MAX, NULL, NULL,	\
	    "rotated " name " files that are kept"},			\
	{name "_logfile_maxage", NULL, SECT_PROCESS, KEY_DURATION, 0,	\
	    LOG(stream, maxage_ms), "0", 0, YEARS_MS, NULL, NULL,	\
	    "age at which the " name " file is rotated, 0 for never"},	\
	{name "_logfile_compress", NULL, SECT_PROCESS, KEY_BOOL, 0,	\
	    LOG(stream, compress), "false", 0, 1, NULL, NULL,		\
	    "whether rotated " name " files are compressed"},		\
	{name "_logfile_format", NULL, SECT_PROCESS, KEY_CHOICE, 0,	\
	    LOG(stream, format), "raw", 0, LOG_FORMAT_JSON, NULL, log_formats, \
	    "how lines of " name " are written"},			\
	{name "_logfile_on_full", NULL, SECT_PROCESS, KEY_CHOICE, 0,	\
	    LOG(stream, on_full), "block", 0, ON_FULL_DROP, NULL, on_full, \
	    "whether " name " waits or is dropped when its log is full"}, \
	{name "_capture_maxbytes", NULL, SECT_PROCESS, KEY_SIZE, 0,	\
	    LOG(stream, capture_maxbytes), "0", 0, SIZE_LIMIT, NULL, NULL, \
	    "bytes of " name " captured between event tags"},		\
	{name "_events_enabled", NULL, SECT_PROCESS, KEY_BOOL, 0,	\
	    LOG(stream, events_enabled), "false", 0, 1, NULL, NULL,	\
	    "whether output on " name " makes events"},			\
	{name "_syslog", NULL, SECT_PROCESS, KEY_BOOL, 0,		\
	    LOG(stream, to_syslog), "false", 0, 1, NULL, NULL,		\
	    "whether " name " goes to syslog too"}

/* A key of a later version: any value, an error or a warning. */
#define LATER(name, help)						\
	{name, NULL, SECT_PROCESS, KEY_STRING, KF_LATER, 0, NULL, 0, 0,	\
	    NULL, NULL, help}

/* A key of a section that is only checked. */
#define OTHER(name, sect, type, flags, def, min, max, help)		\
	{name, NULL, sect, type, KF_OTHER | (flags), 0, def, min, max, NULL, \
	    NULL, help}

static const struct confkey table[] = {
	/* [mpsupd]; first what the defaults of others are made from. */
	{"environment", NULL, SECT_MAIN, KEY_ENVIRONMENT, 0, M(environment),
	    "", 0, 0, NULL, NULL, "variables for every program"},
	{"rundir", NULL, SECT_MAIN, KEY_PATH, KF_RESTART | KF_COMPUTED,
	    M(rundir), "/run/mpsupd", 0, 0, NULL, NULL,
	    "directory of the sockets, the pidfile and the state"},
	{"statedir", NULL, SECT_MAIN, KEY_PATH, KF_RESTART | KF_COMPUTED,
	    M(statedir), "/var/lib/mpsupd", 0, 0, NULL, NULL,
	    "directory of what outlives a reboot"},
	{"logdir", "childlogdir", SECT_MAIN, KEY_PATH, KF_COMPUTED, M(logdir),
	    "/var/log/mpsupd", 0, 0, NULL, NULL,
	    "directory of AUTO log files"},
	{"socket", NULL, SECT_MAIN, KEY_PATH, KF_RESTART | KF_COMPUTED,
	    M(socket), "RUNDIR/control.sock", 0, 0, NULL, NULL,
	    "control socket"},
	{"pidfile", NULL, SECT_MAIN, KEY_PATH, KF_RESTART | KF_COMPUTED,
	    M(pidfile), "RUNDIR/mpsupd.pid", 0, 0, NULL, NULL,
	    "file with the pid of the daemon"},
	{"logfile", NULL, SECT_MAIN, KEY_MAINLOG, KF_COMPUTED, M(logfile),
	    "LOGDIR/mpsupd.log", 0, 0, NULL, NULL,
	    "log of the daemon: a path, NONE or syslog"},
	{"logfile_maxbytes", NULL, SECT_MAIN, KEY_SIZE, 0, M(logfile_maxbytes),
	    "50MB", 0, SIZE_LIMIT, NULL, NULL,
	    "size at which the log is rotated, 0 for never"},
	{"logfile_backups", NULL, SECT_MAIN, KEY_INT, 0, M(logfile_backups),
	    "10", 0, INT32_MAX, NULL, NULL, "rotated logs that are kept"},
	{"loglevel", NULL, SECT_MAIN, KEY_CHOICE, 0, M(loglevel), "info", 0,
	    LOGLEVEL_DEBUG, NULL, loglevels, "what the daemon logs"},
	{"nodaemon", NULL, SECT_MAIN, KEY_BOOL, KF_RESTART, M(nodaemon),
	    "false", 0, 1, NULL, NULL, "whether it stays in the foreground"},
	{"silent", NULL, SECT_MAIN, KEY_BOOL, 0, M(silent), "false",
	    0, 1, NULL, NULL, "whether the foreground is kept quiet"},
	{"nocleanup", NULL, SECT_MAIN, KEY_BOOL, KF_COMPUTED | KF_RESTART,
	    M(nocleanup), "true", 0, 1, NULL, NULL,
	    "whether old AUTO logs are left alone at start"},
	{"strip_ansi", NULL, SECT_MAIN, KEY_BOOL, 0, M(strip_ansi),
	    "false", 0, 1, NULL, NULL,
	    "whether escape sequences are removed from program logs"},
	{"directory", NULL, SECT_MAIN, KEY_PATH, KF_RESTART, M(directory),
	    NULL, 0, 0, NULL, NULL, "working directory of the daemon"},
	{"umask", NULL, SECT_MAIN, KEY_OCTAL, 0, M(umask), "022", 0,
	    0777, NULL, NULL, "file mode mask of the daemon"},
	{"user", NULL, SECT_MAIN, KEY_USER, KF_RESTART, M(user), NULL, 0, 0,
	    NULL, NULL, "user the daemon runs as"},
	{"identifier", NULL, SECT_MAIN, KEY_STRING, 0, M(identifier),
	    "supervisor", 0, 0, NULL, NULL,
	    "name of this daemon for RPC clients"},
	{"minfds", NULL, SECT_MAIN, KEY_INT, 0, M(minfds), NULL, 0,
	    INT32_MAX, NULL, NULL, "descriptors a process may have"},
	{"minprocs", NULL, SECT_MAIN, KEY_INT, 0, M(minprocs), NULL,
	    0, INT32_MAX, NULL, NULL, "processes the user may have"},
	{"readers", NULL, SECT_MAIN, KEY_ACL, 0, M(readers), NULL, 0, 0, NULL,
	    NULL, "users and @groups that may look"},
	{"operators", NULL, SECT_MAIN, KEY_ACL, 0, M(operators), NULL, 0, 0,
	    NULL, NULL, "users and @groups that may control"},
	{"shutdown_timeout", NULL, SECT_MAIN, KEY_DURATION, 0,
	    M(shutdown_timeout_ms), "0", 0, YEARS_MS, NULL, NULL,
	    "most time an ordered stop may take, 0 for any"},

	/* [program:x]; `environment` first, it gives names to the others. */
	{"environment", NULL, SECT_PROCESS, KEY_ENVIRONMENT, KF_RESTART,
	    P(environment), "", 0, 0, NULL, NULL, "variables of the program"},
	{"env_file", NULL, SECT_PROCESS, KEY_MAYBE_PATH, 0, P(env_file), NULL,
	    0, 0, NULL, NULL, "file with variables of the program"},
	{"command", NULL, SECT_PROCESS, KEY_COMMAND, KF_RESTART | KF_REQUIRED,
	    P(command), NULL, 0, 0, NULL, NULL, "what is run, without a shell"},
	{"process_name", NULL, SECT_PROCESS, KEY_NAME, KF_EXPAND, P(name),
	    "%(program_name)s", 0, 0, NULL, NULL, "name of each process"},
	{"numprocs", NULL, SECT_PROCESS, KEY_INT, KF_EXPAND, P(numprocs), "1",
	    0, CONF_PROCESS_MAX, NULL, NULL, "how many processes"},
	{"numprocs_start", NULL, SECT_PROCESS, KEY_INT, KF_EXPAND,
	    P(numprocs_start), "0", INT32_MIN, INT32_MAX, NULL, NULL,
	    "process_num of the first one"},
	{"priority", NULL, SECT_PROCESS, KEY_INT, 0, P(priority), "999",
	    INT32_MIN, INT32_MAX, NULL, NULL,
	    "low numbers start first and stop last"},
	{"autostart", NULL, SECT_PROCESS, KEY_BOOL, 0, P(autostart), "true",
	    0, 1, NULL, NULL, "whether it starts with the daemon"},
	{"startsecs", NULL, SECT_PROCESS, KEY_INT, 0, P(startsecs), "1", 0,
	    YEARS_S, "seconds", NULL, "how long it must stay up to be RUNNING"},
	{"startretries", NULL, SECT_PROCESS, KEY_INT, 0, P(startretries), "3",
	    0, INT32_MAX, NULL, NULL, "further attempts before FATAL"},
	{"autorestart", NULL, SECT_PROCESS, KEY_CHOICE, 0, P(autorestart),
	    "unexpected", 0, AUTORESTART_YES, NULL, autorestarts,
	    "whether it is started again when it ends"},
	{"exitcodes", NULL, SECT_PROCESS, KEY_EXITCODES, 0, P(exitcodes), "0",
	    0, 255, NULL, NULL, "exit codes that are expected"},
	{"stopsignal", NULL, SECT_PROCESS, KEY_SIGNAL, 0, P(stopsignal),
	    "TERM", 1, 64, NULL, NULL, "signal that asks it to end"},
	{"stopwaitsecs", NULL, SECT_PROCESS, KEY_INT, 0, P(stopwaitsecs), "10",
	    0, YEARS_S, "seconds", NULL, "time to end before SIGKILL"},
	{"stopasgroup", NULL, SECT_PROCESS, KEY_BOOL, 0, P(stopasgroup),
	    "false", 0, 1, NULL, NULL, "whether its group gets the stopsignal"},
	{"killasgroup", NULL, SECT_PROCESS, KEY_BOOL, KF_COMPUTED,
	    P(killasgroup), "stopasgroup", 0, 1, NULL, NULL,
	    "whether its group gets the SIGKILL"},
	{"user", NULL, SECT_PROCESS, KEY_USER, KF_RESTART, P(user), NULL, 0,
	    0, NULL, NULL, "user or user:group it runs as"},
	{"redirect_stderr", NULL, SECT_PROCESS, KEY_BOOL, KF_RESTART,
	    P(redirect_stderr), "false", 0, 1, NULL, NULL,
	    "whether stderr goes where stdout goes"},
	STREAM_ROWS("stdout", CONF_STDOUT),
	STREAM_ROWS("stderr", CONF_STDERR),
	{"directory", NULL, SECT_PROCESS, KEY_PATH, KF_RESTART, P(directory),
	    NULL, 0, 0, NULL, NULL, "working directory"},
	{"umask", NULL, SECT_PROCESS, KEY_OCTAL, KF_RESTART, P(umask), NULL,
	    0, 0777, NULL, NULL, "file mode mask"},
	{"serverurl", NULL, SECT_PROCESS, KEY_URL, KF_RESTART, P(serverurl),
	    "AUTO", 0, 0, NULL, NULL, "SUPERVISOR_SERVER_URL of the program"},
	{"on_supervisor_death", NULL, SECT_PROCESS, KEY_CHOICE, KF_RESTART,
	    P(on_supervisor_death), "keep", 0, DEATH_KILL, NULL, deaths,
	    "whether it lives on when the keeper is killed"},
	{"inherit_environment", NULL, SECT_PROCESS, KEY_BOOL, KF_RESTART,
	    P(inherit_environment), "true", 0, 1, NULL, NULL,
	    "whether the daemon's variables are passed on"},
	{"nochildren", NULL, SECT_PROCESS, KEY_BOOL, KF_RESTART, P(nochildren),
	    "false", 0, 1, NULL, NULL, "whether it cannot make processes"},
	{"description", NULL, SECT_PROCESS, KEY_STRING, 0, P(description),
	    NULL, 0, 0, NULL, NULL, "what it is, for people"},
	{"documentation", NULL, SECT_PROCESS, KEY_STRING, 0, P(documentation),
	    NULL, 0, 0, NULL, NULL, "where to read on"},
	{"pidfile", NULL, SECT_PROCESS, KEY_PATH, 0, P(pidfile), NULL, 0, 0,
	    NULL, NULL, "file with its process id, for scripts"},
	{"operators", NULL, SECT_PROCESS, KEY_ACL, 0, P(operators), NULL, 0,
	    0, NULL, NULL, "users and @groups that may control it"},
	{"restart_delay", NULL, SECT_PROCESS, KEY_DURATION, KF_POLICY,
	    P(restart_delay_ms), "100ms", 0, YEARS_MS, NULL, NULL,
	    "pause before the first restart"},
	{"restart_delay_max", NULL, SECT_PROCESS, KEY_DURATION, KF_POLICY,
	    P(restart_delay_max_ms), "60s", 0, YEARS_MS, NULL, NULL,
	    "longest pause, to which it doubles"},
	{"restart_jitter", NULL, SECT_PROCESS, KEY_PERCENT, KF_POLICY,
	    P(restart_jitter), "10", 0, 100, NULL, NULL,
	    "random part of a pause"},
	{"restart_reset", NULL, SECT_PROCESS, KEY_DURATION, KF_POLICY,
	    P(restart_reset_ms), "60s", 0, YEARS_MS, NULL, NULL,
	    "time up after which pauses begin anew"},
	{"restart_limit", NULL, SECT_PROCESS, KEY_LIMIT, KF_POLICY,
	    P(restart_limit), "0", 0, INT32_MAX, NULL, NULL,
	    "starts in a time, as 5/60s, before it gives up"},

	{"after", NULL, SECT_PROCESS, KEY_NAMES, 0, P(after), "", 0, 0, NULL,
	    NULL, "programs whose start it waits for"},
	{"requires", NULL, SECT_PROCESS, KEY_NAMES, 0, P(requires), "", 0, 0,
	    NULL, NULL, "programs that must be ready before it starts"},
	{"bound_to", NULL, SECT_PROCESS, KEY_NAMES, 0, P(bound_to), "", 0, 0,
	    NULL, NULL, "programs that it requires and ends with"},
	{"dependent_startup", NULL, SECT_PROCESS, KEY_BOOL, 0,
	    P(dependent_startup), "false", 0, 1, NULL, NULL,
	    "whether it starts once dependent_startup_wait_for holds"},
	{"dependent_startup_wait_for", NULL, SECT_PROCESS, KEY_WAITS, 0,
	    P(wait_for), "", 0, 0, NULL, NULL,
	    "programs and states it waits for, as db:running"},
	{"ready", NULL, SECT_PROCESS, KEY_PROBE, KF_RESTART, P(ready), "none",
	    0, 0, NULL, NULL, "how it tells or shows that it is ready"},
	{"ready_timeout", NULL, SECT_PROCESS, KEY_DURATION, 0,
	    P(ready_timeout_ms), "60s", 0, YEARS_MS, NULL, NULL,
	    "time to become ready, 0 for any"},
	{"health", NULL, SECT_PROCESS, KEY_PROBE, 0, P(health), "none", 0, 0,
	    NULL, NULL, "how its health is asked while it runs"},
	{"health_interval", NULL, SECT_PROCESS, KEY_DURATION, 0,
	    P(health_interval_ms), "30s", 10, YEARS_MS, NULL, NULL,
	    "time from an answer to the next question"},
	{"health_timeout", NULL, SECT_PROCESS, KEY_DURATION, 0,
	    P(health_timeout_ms), "5s", 1, YEARS_MS, NULL, NULL,
	    "time to answer"},
	{"health_retries", NULL, SECT_PROCESS, KEY_INT, 0, P(health_retries),
	    "3", 1, INT32_MAX, NULL, NULL,
	    "bad answers in a row before it is restarted"},
	{"watchdog", NULL, SECT_PROCESS, KEY_DURATION, KF_RESTART,
	    P(watchdog_ms), "0", 0, YEARS_MS, NULL, NULL,
	    "longest silence before it is restarted, 0 for any"},
	{"on_give_up", NULL, SECT_PROCESS, KEY_GIVE_UP, 0, P(on_give_up),
	    "none", 0, 0, NULL, NULL, "what happens when it is given up"},
	{"essential", NULL, SECT_PROCESS, KEY_BOOL, 0, P(essential), "false",
	    0, 1, NULL, NULL, "whether the daemon ends with it"},
	{"type", NULL, SECT_PROCESS, KEY_CHOICE, KF_RESTART, P(type),
	    "service", 0, TYPE_FORKING, NULL, program_types,
	    "whether it runs on, ends, or leaves a daemon behind"},
	{"schedule", NULL, SECT_PROCESS, KEY_SCHEDULE, 0, P(schedule), NULL,
	    0, 0, NULL, NULL, "when it runs, as cron(8) writes it"},
	{"overlap", NULL, SECT_PROCESS, KEY_CHOICE, 0, P(overlap), "skip", 0,
	    OVERLAP_KILL, NULL, overlaps,
	    "what happens when a run is due and one still runs"},
	{"stop_schedule", NULL, SECT_PROCESS, KEY_STOPS, 0, P(stop_schedule),
	    NULL, 0, 0, NULL, NULL,
	    "signals and seconds of a stop, as TERM/10 INT/5"},
	{"stop_command", NULL, SECT_PROCESS, KEY_ARGV, 0, P(stop_command), "",
	    0, 0, NULL, NULL, "command that asks it to end"},
	{"kill_mode", NULL, SECT_PROCESS, KEY_CHOICE, 0, P(kill_mode), "tree",
	    0, KILL_PROCESS, NULL, kill_modes,
	    "what of it is ended when its process is gone"},
	{"exec_start_pre", NULL, SECT_PROCESS, KEY_ARGV, 0,
	    P(exec_start_pre), "", 0, 0, NULL, NULL,
	    "command before each start"},
	{"exec_start_post", NULL, SECT_PROCESS, KEY_ARGV, 0,
	    P(exec_start_post), "", 0, 0, NULL, NULL,
	    "command when it has become ready"},
	{"exec_stop_post", NULL, SECT_PROCESS, KEY_ARGV, 0,
	    P(exec_stop_post), "", 0, 0, NULL, NULL,
	    "command after each end"},

	/* Of programs, in later versions. */
	LATER("reload_signal", "signal that makes it reload"),
	LATER("reload_command", "command that makes it reload"),
	LATER("group_name", "primary group"),
	LATER("supplementary_groups", "further groups"),
	LATER("chroot", "root directory"),
	LATER("no_new_privs", "whether exec may give privileges"),
	LATER("capabilities", "capabilities it keeps"),
	LATER("nice", "nice value"),
	LATER("cpu_affinity", "CPUs it may use"),
	LATER("sched_policy", "scheduling policy"),
	LATER("sched_priority", "real-time priority"),
	LATER("io_class", "I/O scheduling class"),
	LATER("io_priority", "I/O priority"),
	LATER("oom_score_adj", "likelihood to be killed for memory"),
	LATER("rlimit_as", "limit of address space"),
	LATER("rlimit_core", "limit of core files"),
	LATER("rlimit_cpu", "limit of CPU time"),
	LATER("rlimit_data", "limit of data"),
	LATER("rlimit_fsize", "limit of file size"),
	LATER("rlimit_locks", "limit of file locks"),
	LATER("rlimit_memlock", "limit of locked memory"),
	LATER("rlimit_msgqueue", "limit of message queues"),
	LATER("rlimit_nice", "limit of nice value"),
	LATER("rlimit_nofile", "limit of descriptors"),
	LATER("rlimit_nproc", "limit of processes"),
	LATER("rlimit_rss", "limit of resident memory"),
	LATER("rlimit_rtprio", "limit of real-time priority"),
	LATER("rlimit_rttime", "limit of real-time CPU time"),
	LATER("rlimit_sigpending", "limit of queued signals"),
	LATER("rlimit_stack", "limit of the stack"),
	LATER("memory_max", "memory of its cgroup"),
	LATER("pids_max", "tasks of its cgroup"),
	LATER("cpu_weight", "CPU weight of its cgroup"),
	LATER("cpu_max", "CPU time of its cgroup"),
	LATER("sockets", "listening sockets it gets"),

	/* Other sections. */
	OTHER("programs", SECT_GROUP, KEY_STRING, KF_REQUIRED, NULL, 0, 0,
	    "programs of the group, with commas"),
	OTHER("priority", SECT_GROUP, KEY_INT, 0, "999", INT32_MIN, INT32_MAX,
	    "low numbers start first and stop last"),
	OTHER("files", SECT_INCLUDE, KEY_STRING, KF_REQUIRED, NULL, 0, 0,
	    "patterns of the files to read too, with blanks"),
	OTHER("buffer_size", SECT_EVENTLISTENER, KEY_INT, 0, "10", 0,
	    INT32_MAX, "events that may wait"),
	OTHER("events", SECT_EVENTLISTENER, KEY_STRING, 0, NULL, 0, 0,
	    "event types, with commas"),
	OTHER("result_handler", SECT_EVENTLISTENER, KEY_STRING, 0,
	    "supervisor.dispatchers:default_handler", 0, 0,
	    "what judges the answers"),
	OTHER("socket", SECT_FCGI, KEY_STRING, 0, NULL, 0, 0,
	    "tcp://host:port or unix:///path"),
	OTHER("socket_backlog", SECT_FCGI, KEY_INT, 0, NULL, 0, INT32_MAX,
	    "connections that may wait"),
	OTHER("socket_owner", SECT_FCGI, KEY_STRING, 0, NULL, 0, 0,
	    "user[:group] of the socket"),
	OTHER("socket_mode", SECT_FCGI, KEY_OCTAL, 0, "0700", 0, 07777,
	    "mode of the socket"),
	OTHER("file", SECT_UNIX_HTTP, KEY_PATH, 0, NULL, 0, 0,
	    "UNIX socket for RPC"),
	OTHER("chmod", SECT_UNIX_HTTP, KEY_OCTAL, 0, "0700", 0, 07777,
	    "mode of the socket"),
	OTHER("chown", SECT_UNIX_HTTP, KEY_STRING, 0, NULL, 0, 0,
	    "user[:group] of the socket"),
	OTHER("port", SECT_INET_HTTP, KEY_INET, 0, NULL, 0, 65535,
	    "[host:]port for RPC"),
	OTHER("username", SECT_HTTP | SECT_CTL, KEY_STRING, 0, NULL, 0, 0,
	    "user name for RPC"),
	OTHER("password", SECT_HTTP | SECT_CTL, KEY_STRING, 0, NULL, 0, 0,
	    "password for RPC"),
	OTHER("serverurl", SECT_CTL, KEY_STRING, 0, "http://localhost:9001",
	    0, 0, "where supervisorctl connects"),
	OTHER("prompt", SECT_CTL, KEY_STRING, 0, "supervisor", 0, 0,
	    "prompt of supervisorctl"),
	OTHER("history_file", SECT_CTL, KEY_STRING, 0, NULL, 0, 0,
	    "history of supervisorctl"),
};

static const struct confkey_kind kinds[] = {
	{"mpsupd", SECT_MAIN, ARG_NONE, KIND_SERVED},
	{"supervisord", SECT_MAIN, ARG_NONE, KIND_SERVED},
	{"program", SECT_PROGRAM, ARG_NEEDED, KIND_SERVED},
	{"group", SECT_GROUP, ARG_NEEDED, KIND_SERVED},
	{"include", SECT_INCLUDE, ARG_NONE, KIND_SERVED},
	{"DEFAULT", SECT_DEFAULT, ARG_NONE, KIND_SERVED},
	{"eventlistener", SECT_EVENTLISTENER, ARG_NEEDED, KIND_LATER},
	{"fcgi-program", SECT_FCGI, ARG_NEEDED, KIND_LATER},
	{"unix_http_server", SECT_UNIX_HTTP, ARG_ALLOWED, KIND_LATER},
	{"inet_http_server", SECT_INET_HTTP, ARG_ALLOWED, KIND_LATER},
	{"supervisorctl", SECT_CTL, ARG_NONE, KIND_CLIENT},
	{"rpcinterface", SECT_OPAQUE, ARG_NEEDED, KIND_CLIENT},
	{"ctlplugin", SECT_OPAQUE, ARG_NEEDED, KIND_CLIENT},
	{"socket", SECT_OPAQUE, ARG_NEEDED, KIND_LATER},
	{"pool", SECT_OPAQUE, ARG_NEEDED, KIND_LATER},
	{"lock", SECT_OPAQUE, ARG_NEEDED, KIND_LATER},
	{"semaphore", SECT_OPAQUE, ARG_NEEDED, KIND_LATER},
	{"queue", SECT_OPAQUE, ARG_NEEDED, KIND_LATER},
	{"broker", SECT_OPAQUE, ARG_NONE, KIND_LATER},
	{"http", SECT_OPAQUE, ARG_NONE, KIND_LATER},
};

const struct confkey *
confkey_table(size_t *ret_n)
{
	*ret_n = COUNT(table);
	return table;
}

static bool
in_section(const struct confkey *k, enum confkey_section sect)
{
	return sect == SECT_DEFAULT || (k->sections & sect) != 0;
}

const struct confkey *
confkey_find(enum confkey_section sect, const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(table); i++)
		if (table[i].name[0] == name[0] &&
		    in_section(&table[i], sect) &&
		    strcmp(table[i].name, name) == 0)
			return &table[i];
	for (i = 0; i < COUNT(table); i++)
		if (table[i].alias != NULL && in_section(&table[i], sect) &&
		    strcmp(table[i].alias, name) == 0)
			return &table[i];
	return NULL;
}

const struct confkey_kind *
confkey_find_kind(const char *name, const char **ret_arg)
{
	size_t i, len = strcspn(name, ":");

	*ret_arg = name[len] == ':' ? name + len + 1 : NULL;
	for (i = 0; i < COUNT(kinds); i++)
		if (strncmp(kinds[i].name, name, len) == 0 &&
		    kinds[i].name[len] == '\0')
			return &kinds[i];
	return NULL;
}

#define SUGGEST_MAX 50 /* bytes of a word that is compared */

/* Edits (insert, delete, replace, swap of neighbours) from A to B. */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t rows[3][SUGGEST_MAX + 2], *two = rows[0], *one = rows[1];
	size_t *cur = rows[2], *spare, i, j, best;
	size_t la = strlen(a), lb = strlen(b);

	if (la > SUGGEST_MAX || lb > SUGGEST_MAX)
		return SUGGEST_MAX;
	for (j = 0; j <= lb; j++)
		one[j] = j;
	for (i = 1; i <= la; i++) {
		cur[0] = i;
		for (j = 1; j <= lb; j++) {
			best = one[j - 1] + (a[i - 1] != b[j - 1]);
			if (one[j] + 1 < best)
				best = one[j] + 1;
			if (cur[j - 1] + 1 < best)
				best = cur[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			cur[j] = best;
		}
		spare = two;
		two = one;
		one = cur;
		cur = spare;
	}
	return one[lb];
}

/* The nearest word so far. */
struct suggestion {
	const char *word;
	size_t distance;
};

static void
suggestion_try(struct suggestion *s, const char *name, const char *word)
{
	size_t d;

	if (word == NULL)
		return;
	d = edit_distance(name, word);
	if (d < s->distance && d * 3 <= strlen(word)) {
		s->distance = d;
		s->word = word;
	}
}

void
confkey_suggest(enum confkey_section sect, const char *name,
    struct buf *out)
{
	struct suggestion s = {NULL, 4};
	size_t i;

	for (i = 0; i < COUNT(table); i++) {
		if (!in_section(&table[i], sect) ||
		    (table[i].flags & KF_LATER) != 0)
			continue;
		suggestion_try(&s, name, table[i].name);
		suggestion_try(&s, name, table[i].alias);
	}
	if (s.word != NULL)
		buf_addf(out, "; did you mean \"%s\"?", s.word);
}

void
confkey_suggest_kind(const char *name, struct buf *out)
{
	struct suggestion s = {NULL, 4};
	size_t i, len = strcspn(name, ":");
	char word[SUGGEST_MAX + 1];

	if (len > SUGGEST_MAX)
		return;
	for (i = 0; i < len; i++)
		word[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ?
		    name[i] - 'A' + 'a' : name[i]);
	word[len] = '\0';
	for (i = 0; i < COUNT(kinds); i++)
		suggestion_try(&s, word, kinds[i].name);
	if (s.word != NULL)
		buf_addf(out, "; did you mean [%s%s]?", s.word,
		    name[len] == ':' ? name + len : "");
}
