/*
 * The checked configuration: what the files say, typed, expanded, complete.
 *
 * config_load() turns text into a struct config or into messages; it reads
 * the world only through struct conf_host, so it can be tested without one.
 * config_encode()/config_decode() carry the result from the process that
 * parsed it to the supervisor and over the supervisor's death: the supervisor
 * itself holds no parser.
 *
 * Next: confkey.h (the table of keys), confsyntax.h (lines -> raw values),
 * expand.h (%(name)s), shlex.h (command and environment splitting).
 */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Upper limits on what a file may ask for; beyond is an error, never a cut. */
#define CONF_FILE_MAX (8 * 1024 * 1024) /* bytes of one file */
#define CONF_LINE_MAX (1024 * 1024) /* bytes of one line */
#define CONF_TOTAL_MAX (64 * 1024 * 1024) /* bytes of all files */
#define CONF_PROCESS_MAX 16384 /* processes, numprocs counted */
#define CONF_NAME_MAX 200 /* bytes of a program, group or process name */
#define CONF_MSG_MAX 1000 /* messages kept; the rest are counted */
#define CONF_WARNING_MAX 500 /* of them: a refusal is never without a reason */

/* The machines for which supervisor/confine.c has a filter for `nochildren`. */
#if defined(__x86_64__) || defined(__aarch64__)
#define CONF_HAS_NOCHILDREN true
#else
#define CONF_HAS_NOCHILDREN false
#endif

/* A list of strings; v[n] is NULL. */
struct conf_strs {
	char **v;
	size_t n;
};

/* A user as it was looked up when the file was read. */
struct conf_user {
	char *name; /* as written, NULL when the key is not set */
	uint32_t uid, gid;
	uint32_t *groups; /* every NSS group of the user, primary included */
	size_t ngroups;
	char *home, *shell, *login; /* from the user database */
	bool known; /* false: there is no such user (or group) */
};

/* Who may look or control: users and @groups, resolved. */
struct conf_acl {
	char *text; /* as written, NULL when not set */
	uint32_t *uids;
	size_t nuids;
	uint32_t *gids;
	size_t ngids;
};

enum conf_stream { CONF_STDOUT, CONF_STDERR, CONF_STREAMS };

/* How the lines of a log are written. */
enum conf_log_format { LOG_FORMAT_RAW, LOG_FORMAT_TIMESTAMP, LOG_FORMAT_JSON };

/* What happens to output that its log does not take. */
enum conf_on_full { ON_FULL_BLOCK, ON_FULL_DROP };

/* Where one output stream of a process goes. */
struct conf_log {
	/* An absolute path, "syslog", or NULL for NONE.  AUTO is resolved. */
	char *file;
	int64_t maxbytes; /* rotate at this size; 0: never */
	int64_t backups; /* rotated files kept, .1 is the newest */
	int64_t maxage_ms; /* rotate when so old; 0: never */
	bool compress; /* rotated files become .gz */
	bool to_syslog; /* also to syslog */
	bool automatic; /* file came from AUTO */
	int64_t format; /* enum conf_log_format */
	int64_t on_full; /* enum conf_on_full */
	int64_t capture_maxbytes; /* bytes; not served yet */
	bool events_enabled; /* not served yet */
};

enum conf_autorestart { AUTORESTART_NO, AUTORESTART_UNEXPECTED, AUTORESTART_YES };

enum conf_death { DEATH_KEEP, DEATH_KILL };

enum conf_type { TYPE_SERVICE, TYPE_ONESHOT, TYPE_FORKING };

enum conf_overlap { OVERLAP_SKIP, OVERLAP_QUEUE, OVERLAP_KILL };

/* What of a program is killed when its process has ended. */
enum conf_kill { KILL_TREE, KILL_GROUP, KILL_PROCESS };


enum conf_loglevel { /* in the order of enum log_level */
	LOGLEVEL_CRITICAL,
	LOGLEVEL_ERROR,
	LOGLEVEL_WARN,
	LOGLEVEL_INFO,
	LOGLEVEL_DEBUG, /* supervisord's trace and blather too */
};

/* [mpsupd] or [supervisord]. */
struct conf_main {
	char *file; /* absolute path of the main file; NULL: none */
	char *cwd; /* where relative paths of the files begin */
	bool foreign; /* the main file has a [supervisord] section */
	char *rundir, *statedir, *logdir; /* absolute */
	char *socket, *pidfile; /* absolute */
	char *logfile; /* absolute, "syslog", or NULL for NONE */
	int64_t logfile_maxbytes, logfile_backups;
	int64_t loglevel; /* enum conf_loglevel */
	bool nodaemon, silent, nocleanup, strip_ansi;
	char *directory; /* absolute; NULL: see DESIGN 2 */
	int64_t umask;
	struct conf_user user;
	char *identifier;
	struct conf_strs environment; /* KEY=VALUE */
	int64_t minfds, minprocs; /* -1: not set, leave the limits alone */
	struct conf_acl readers, operators;
	int64_t shutdown_timeout_ms; /* 0: no limit */
	char *serverurl; /* SUPERVISOR_SERVER_URL for programs, or NULL */
};

/* One process: a [program:x] after numprocs, groups and expansion. */
struct conf_process {
	char *name; /* process_name, expanded */
	char *group; /* == program when in no [group:x] */
	char *program; /* x of [program:x] */
	int64_t process_num;
	struct conf_strs command; /* argv, at least one */
	int64_t numprocs, numprocs_start;
	int64_t priority, group_priority;
	bool autostart;
	int64_t startsecs, startretries; /* seconds; count */
	int64_t autorestart; /* enum conf_autorestart */
	struct conf_strs exitcodes; /* decimal text, each 0..255 */
	uint32_t expected[8]; /* exitcodes as a bit set, bit N % 32 of N / 32 */
	int64_t stopsignal; /* number */
	int64_t stopwaitsecs; /* seconds */
	bool stopasgroup, killasgroup;
	struct conf_user user;
	bool redirect_stderr;
	struct conf_log log[CONF_STREAMS];
	struct conf_strs environment; /* the key itself, KEY=VALUE */
	char *env_file; /* absolute, behind a '-' if it may be missing */
	bool inherit_environment;
	char *directory; /* NULL: the daemon's */
	int64_t umask; /* -1: the daemon's */
	char *serverurl; /* NULL: AUTO */
	int64_t on_supervisor_death; /* enum conf_death */
	int64_t type; /* enum conf_type */
	/* Names of processes, programs and groups; see depend.h. */
	struct conf_strs after, requires, bound_to;
	bool dependent_startup; /* begins with the daemon once ... */
	struct conf_strs wait_for; /* ... NAME:STATE[,STATE] holds */
	char *ready, *health; /* probe.h; NULL: none */
	int64_t ready_timeout_ms; /* 0: no limit */
	int64_t health_interval_ms, health_timeout_ms, health_retries;
	int64_t watchdog_ms; /* 0: none */
	char *on_give_up; /* "shutdown", "exec:CMD", NULL: nothing */
	bool essential;
	char *schedule; /* cron.h; NULL: none */
	int64_t overlap; /* enum conf_overlap */
	char *stop_schedule; /* SIGNAL/SECONDS ...; NULL: not set */
	struct conf_strs stop_command; /* argv; n 0: none, as the next ones */
	struct conf_strs exec_start_pre, exec_start_post, exec_stop_post;
	int64_t kill_mode; /* enum conf_kill */
	bool nochildren;
	char *description, *documentation; /* NULL: none */
	char *pidfile; /* absolute, or NULL: none is written */
	struct conf_acl operators;
	/* The restart policy of our own, in force when any key of it is set. */
	bool restart_policy;
	int64_t restart_delay_ms, restart_delay_max_ms, restart_reset_ms;
	int64_t restart_jitter; /* percent */
	int64_t restart_limit; /* starts per window; 0: none */
	int64_t restart_window_ms;

	/* Not keys. */
	struct conf_strs file_environment; /* what env_file holds, KEY=VALUE */
	uint64_t restart_hash; /* of all values that need a restart to apply */
	int32_t slot; /* board slot; -1: none yet.  Set by the supervisor */
	bool leaving; /* gone from the files, kept until it is down */
	bool disabled; /* autostart is false by `disable` */
	int64_t enabled_run; /* 1 + number of the run after which `enable` found
			      * it stopped: that stop is forgotten; or 0 */
	bool stopped; /* an operator stopped it before the daemon was started;
		    * it begins only when it is asked to */
	/* Of a transient program, which `run` made and no file knows. */
	uint64_t transient; /* id of that request; 0: it is none */
	bool run_rm; /* it and its logs go when it is over */
	bool run_bound; /* it ends with the client */
	bool run_stdin; /* its standard input came with the request */
	bool run_stdin_open; /* it is a pipe that attach may write to */
};

struct config {
	struct conf_main main;
	struct conf_process *procs; /* sorted: group priority, group (in the
				     * order of the files), priority, then
				     * order of the files */
	size_t nprocs;
	void *arena; /* storage of every string above */
};

/* Messages about a file, in the order found. */
struct conf_msg {
	bool warning; /* false: the configuration is refused */
	char *text; /* "FILE:LINE: section [x]: key: reason" */
};

struct conf_msgs {
	struct conf_msg *v;
	size_t n, cap;
	size_t errors; /* all of them, also those beyond CONF_MSG_MAX */
	size_t suppressed; /* not kept */
};

/* A change of statedir/overrides that is tried together with the files. */
struct conf_change {
	const char *text; /* in the form of core/overrides.h */
	struct buf *merged; /* gets the file as it would be */
	char *missing; /* set to a program that there is not; malloc'ed */
};

/* The world, as config_load() may see it.  All pointers borrowed. */
struct conf_host {
	void *arg; /* first argument of each call */
	/* Reads a whole file of at most CONF_FILE_MAX bytes.  0: *ret_data is
	 * malloc'ed with *ret_len bytes.  Else *ret_why is a malloc'ed
	 * sentence ("is writable by others"); 1: there is none, -1: anything
	 * else. */
	int (*read_file)(void *arg, const char *path, char **ret_data,
	    size_t *ret_len, char **ret_why);
	/* The same for a file that the daemon keeps, which runs as OWNER
	 * (known: false for the present user).  1: there is none.  May be
	 * NULL: nothing was kept. */
	int (*read_state)(void *arg, const char *path,
	    const struct conf_user *owner, char **ret_data, size_t *ret_len,
	    char **ret_why);
	/* Sorted matches of PATTERN, malloc'ed strings and array. */
	int (*glob)(void *arg, const char *pattern, struct conf_strs *ret);
	/* Looks up "user", "uid", "user:group".  false: no such.  All of RET
	 * is malloc'ed; ret->name is left alone. */
	bool (*user)(void *arg, const char *name, struct conf_user *ret);
	/* Looks up a group name or number. */
	bool (*group)(void *arg, const char *name, uint32_t *ret_gid);
	char *const *environ; /* KEY=VALUE, NULL-terminated: %(ENV_KEY)s */
	const char *hostname; /* %(host_node_name)s */
	const char *cwd; /* absolute; base of relative paths */
	const char *home; /* ~ */
	const char *tmpdir; /* supervisord's default childlogdir */
	const char *rundir, *statedir, *logdir; /* defaults of this user */
	const char *statedir_now; /* of the daemon that runs; NULL: none */
	struct conf_change *change; /* NULL: none */
};

/*
 * Reads PATH (absolute) and what it includes.  0: *RET is a complete
 * configuration, config_free() frees it; warnings may be in MSGS.  -1: it is
 * refused, MSGS has every error, *RET is untouched.
 */
int config_load(const char *path, const struct conf_host *host,
    struct config **ret, struct conf_msgs *msgs);

/*
 * Finds only where the daemon of PATH is to be reached: socket, pidfile and
 * rundir, with defaults.  Never fails: what cannot be read is as if it were
 * not there, so that a broken file blocks no `stop`.  config_free() frees.
 */
struct config *config_peek(const char *path, const struct conf_host *host);

/* Others than root and the daemon's user may do something: the control socket
 * is for everybody to connect to. */
bool config_is_shared(const struct config *c);

void config_free(struct config *c);
void conf_msgs_clear(struct conf_msgs *m);
/* There is room for one more message; a warning finds none when
 * CONF_WARNING_MAX are there. */
bool conf_msg_fits(const struct conf_msgs *m, bool warning);
/* One message; it is only counted if it does not fit. */
void conf_msg_add(struct conf_msgs *m, bool warning, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "name", or "group:name" when they differ; malloc'ed. */
char *conf_process_label(const struct conf_process *p);

/* Appends C as bytes that config_decode() of the same version reads. */
void config_encode(const struct config *c, struct buf *out);
/* The same configuration again, or NULL if the bytes are not one.  Strings
 * are copied; DATA may go. */
struct config *config_decode(const void *data, size_t len);

/* The effective configuration as JSON (one line, DESIGN 5) or as an INI file
 * that loads to the same thing. */
void config_dump_json(const struct config *c, struct buf *out);
void config_dump_ini(const struct config *c, struct buf *out);

/*
 * Calls FN(arg, KEY, NEEDS_RESTART) for each key whose value differs between
 * A and B.  Returns how many.
 */
size_t conf_process_diff(const struct conf_process *a,
    const struct conf_process *b,
    void (*fn)(void *arg, const char *key, bool needs_restart), void *arg);

/* The same for [mpsupd]; NEEDS_RESTART: only a restart of the daemon applies
 * it. */
size_t conf_main_diff(const struct conf_main *a, const struct conf_main *b,
    void (*fn)(void *arg, const char *key, bool needs_restart), void *arg);

#endif
