/* The list of commands and options, and how a line is taken apart. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/xalloc.h"

/* In the order of the help. */
static const struct cmd *const commands[] = {
	&cmd_start, &cmd_stop, &cmd_restart, &cmd_reload,
	&cmd_status, &cmd_why, &cmd_pid, &cmd_wait, &cmd_signal,
	&cmd_logs, &cmd_events, &cmd_reopen,
	&cmd_enable, &cmd_disable, &cmd_scale,
	&cmd_run, &cmd_attach,
	&cmd_check, &cmd_dump_config,
	&cmd_upgrade, &cmd_version, &cmd_help,
};

/* Commands that a later version serves, and what they answer until then. */
static const struct {
	const char *name;
	int code;
} unserved[] = {
	{"lock", CLI_OURS}, {"sem", CLI_OURS}, {"event", CLI_OURS},
	{"barrier", CLI_OURS}, {"cond", CLI_OURS}, {"val", CLI_OURS},
	{"queue", CLI_OURS}, {"pool", CLI_OURS}, {"pipe", CLI_OURS},
	{"ls", CLI_OURS}, {"deadlocks", CLI_OURS}, {"watch", CLI_OURS},
};

/* What supervisorctl calls it. */
static const struct {
	const char *name, *hint;
} foreign[] = {
	{"tail", "use mpsupd logs [-f] [-n LINES] [--stderr] NAME"},
	{"maintail", "the daemon writes to the logfile that "
	    "mpsupd dump-config shows"},
	{"update", "use mpsupd reload: it reads the files again and applies "
	    "what changed"},
	{"reread", "use mpsupd reload --dry-run: it shows what would change"},
	{"add", "use mpsupd reload: programs added to the files are started"},
	{"remove", "use mpsupd reload: programs gone from the files are "
	    "stopped"},
	{"avail", "use mpsupd status, or mpsupd check for what the files "
	    "say"},
	{"shutdown", "use mpsupd stop"},
	{"clear", "logs are rotated by size; to empty one, truncate its "
	    "file"},
	{"fg", "use mpsupd attach NAME"},
};

static const struct option {
	char letter; /* 0: none */
	bool front_only; /* the letter is understood before COMMAND only */
	const char *name;
	const char *value; /* what it takes; NULL: nothing */
	bool optional; /* it may stand without: "" */
} options[OPTS] = {
	[OPT_CONFIG] = {'c', true, "config", "FILE"},
	[OPT_SOCKET] = {'s', true, "socket", "SOCKET"},
	[OPT_JSON] = {0, false, "json", NULL},
	[OPT_HELP] = {'h', false, "help", NULL},
	[OPT_VERSION] = {0, false, "version", NULL},
	[OPT_FOREGROUND] = {'n', false, "foreground", NULL},
	[OPT_NO_WAIT] = {0, false, "no-wait", NULL},
	[OPT_TIMEOUT] = {'t', false, "timeout", "SECONDS"},
	[OPT_OKNODO] = {0, false, "oknodo", NULL},
	[OPT_FOR] = {0, false, "for", "STATE"},
	[OPT_FOLLOW] = {'f', false, "follow", NULL},
	[OPT_LINES] = {'n', false, "lines", "LINES"},
	[OPT_STDERR] = {0, false, "stderr", NULL},
	[OPT_RAW] = {0, false, "raw", NULL},
	[OPT_DRY_RUN] = {0, false, "dry-run", NULL},
	[OPT_RESET] = {0, false, "reset", NULL, false},
	[OPT_ROLLING] = {0, false, "rolling", "N", true},
	[OPT_COMPLETION] = {0, false, "completion", NULL},
	[OPT_NAME] = {0, false, "name", "NEWNAME"},
	[OPT_BIND] = {0, false, "bind", NULL},
	[OPT_RM] = {0, false, "rm", NULL},
	[OPT_USER] = {0, false, "user", "USER"},
	[OPT_DIRECTORY] = {0, false, "directory", "DIR"},
	[OPT_ENV] = {0, false, "env", "KEY"},
	[OPT_ENV_CLEAR] = {0, false, "env-clear", NULL},
	[OPT_STDIN_OPEN] = {0, false, "stdin-open", NULL},
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

const struct cmd *
cmd_find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

#define WORD_MAX 32

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be changed, inserted, left out or swapped with their
 * neighbour to make B of A; WORD_MAX if either is too long to be compared.
 * Damerau, "A technique for computer detection and correction of spelling
 * errors" (1964), in its restricted form. */
static size_t
distance(const char *a, const char *b)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1], la = strlen(a), lb = strlen(b);
	size_t i, j, same;

	if (la >= WORD_MAX || lb >= WORD_MAX)
		return WORD_MAX;
	for (i = 0; i <= la; i++)
		for (j = 0; j <= lb; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			same = a[i - 1] == b[j - 1];
			d[i][j] = least(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = least(d[i][j], d[i - 1][j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[la][lb];
}

/* The command that was probably meant, or NULL. */
static const char *
suggestion(const char *name)
{
	size_t i, len = strlen(name), d, best = len > 3 ? 3 : 2;
	const char *found = NULL;

	for (i = 0; i < COUNT(commands); i++) {
		d = distance(name, commands[i]->name);
		if (len >= 2 && strncmp(name, commands[i]->name, len) == 0)
			d = least(d, 1);
		if (d < best) {
			best = d;
			found = commands[i]->name;
		}
	}
	return found;
}

int
cmd_unknown(const char *name)
{
	const char *meant;
	size_t i;

	for (i = 0; i < COUNT(unserved); i++)
		if (strcmp(unserved[i].name, name) == 0) {
			log_warnx("%s: not served by this version yet", name);
			return unserved[i].code;
		}
	for (i = 0; i < COUNT(foreign); i++)
		if (strcmp(foreign[i].name, name) == 0) {
			log_warnx("%s is a word of supervisorctl's: %s", name,
			    foreign[i].hint);
			return CLI_USAGE;
		}
	meant = suggestion(name);
	if (meant != NULL)
		log_warnx("there is no command \"%s\"; did you mean %s?",
		    name, meant);
	else
		log_warnx("there is no command \"%s\"; mpsupd help lists "
		    "them", name);
	return CLI_USAGE;
}

bool
cmd_unserved_help(const char *name, struct buf *out)
{
	size_t i;

	for (i = 0; i < COUNT(unserved); i++)
		if (strcmp(unserved[i].name, name) == 0) {
			buf_addf(out, "mpsupd %s: not served by this version "
			    "yet\n", name);
			return true;
		}
	return false;
}

/* "start: " in messages about the options of start. */
static int
bad_option(const struct cli *cli, const char *what, const char *opt, int len,
    const char *why)
{
	const char *name = cli->cmd != NULL ? cli->cmd->name : NULL;

	log_warnx("%s%s%s%.*s%s; see mpsupd help%s%s", name ? name : "",
	    name ? ": " : "", what, len, opt, why, name ? " " : "",
	    name ? name : "");
	return -1;
}

/* The one option of which each counts. */
static void
add_env(struct cli *cli, const char *entry)
{
	cli->env = xreallocarray(cli->env, cli->nenv + 1, sizeof *cli->env);
	cli->env[cli->nenv++] = entry;
}

/* The option ARG, which begins with "--".  Returns how many elements of ARGV
 * it used. */
static int
parse_long(struct cli *cli, uint32_t opts, int argc, char **argv)
{
	const char *arg = argv[0] + 2, *eq = strchr(arg, '=');
	size_t len = eq != NULL ? (size_t)(eq - arg) : strlen(arg);
	int o, shown = (int)len + 2;

	for (o = 0; o < OPTS; o++)
		if ((opts & CMD_OPT(o)) != 0 &&
		    strlen(options[o].name) == len &&
		    strncmp(options[o].name, arg, len) == 0)
			break;
	if (o == OPTS)
		return bad_option(cli, "unknown option ", argv[0], shown, "");
	if (options[o].value == NULL) {
		if (eq != NULL)
			return bad_option(cli, "option ", argv[0], shown,
			    " takes no value");
		cli->opt[o] = "";
		return 1;
	}
	if (eq == NULL && options[o].optional) {
		cli->opt[o] = "";
		return 1;
	}
	if (eq == NULL && argc < 2)
		return bad_option(cli, "option ", argv[0], shown,
		    " needs a value");
	cli->opt[o] = eq != NULL ? eq + 1 : argv[1];
	if (o == OPT_ENV)
		add_env(cli, cli->opt[o]);
	return eq != NULL ? 1 : 2;
}

static int
bad_letter(const struct cli *cli, const char *letter)
{
	int o;

	for (o = 0; o < OPTS; o++)
		if (options[o].front_only && options[o].letter == *letter) {
			log_warnx("%s: -%c stands before the command; behind "
			    "it, say --%s", cli->cmd->name, *letter,
			    options[o].name);
			return -1;
		}
	return bad_option(cli, "unknown option -", letter, 1, "");
}

/* The same for letters behind one "-". */
static int
parse_short(struct cli *cli, uint32_t opts, bool front, int argc, char **argv)
{
	const char *p;
	int o;

	for (p = argv[0] + 1; *p != '\0'; p++) {
		for (o = 0; o < OPTS; o++)
			if ((opts & CMD_OPT(o)) != 0 &&
			    options[o].letter == *p &&
			    (front || !options[o].front_only))
				break;
		if (o == OPTS)
			return bad_letter(cli, p);
		if (options[o].value == NULL) {
			cli->opt[o] = "";
			continue;
		}
		if (p[1] == '\0' && argc < 2)
			return bad_option(cli, "option -", p, 1,
			    " needs a value");
		cli->opt[o] = p[1] != '\0' ? p + 1 : argv[1];
		return p[1] != '\0' ? 1 : 2;
	}
	return 1;
}

int
cmd_parse(struct cli *cli, uint32_t opts, bool front, int argc, char **argv)
{
	int i = 0, used, nnames = 0;

	while (i < argc) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (front || (cli->cmd != NULL &&
			    cli->cmd->is_command))
				break;
			argv[nnames++] = argv[i++];
			continue;
		}
		if (argv[i][1] == '-')
			used = parse_long(cli, opts, argc - i, argv + i);
		else
			used = parse_short(cli, opts, front, argc - i,
			    argv + i);
		if (used == -1)
			return -1;
		i += used;
	}
	if (front)
		return i;
	while (i < argc)
		argv[nnames++] = argv[i++];
	cli->names = argv;
	cli->nnames = (size_t)nnames;
	return argc;
}

bool
cmd_duration(const char *s, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {
		{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60e3}, {"h", 3600e3},
		{"d", 86400e3},
	};
	size_t i, digits = strspn(s, "0123456789.");
	double v;
	char *end;

	if (digits == 0)
		return false;
	v = strtod(s, &end);
	if (end != s + digits)
		return false;
	for (i = 0; i < COUNT(units); i++)
		if (strcmp(end, units[i].unit) == 0)
			break;
	if (i == COUNT(units) || v * units[i].ms > 1e15)
		return false;
	*ret_ms = (int64_t)(v * units[i].ms + 0.5);
	return true;
}

void
cmd_help_one(const struct cmd *cmd, struct buf *out)
{
	buf_addf(out, "usage: mpsupd %s%s%s\n\n%s.\n", cmd->name,
	    *cmd->args ? " " : "", cmd->args, cmd->brief);
	if (*cmd->help != '\0')
		buf_addf(out, "\n%s", cmd->help);
}

void
cmd_help_all(struct buf *out)
{
	size_t i;

	buf_adds(out, "usage: mpsupd [-c FILE] [-s SOCKET] [--json] COMMAND "
	    "[ARGUMENT...]\n\n");
	for (i = 0; i < COUNT(commands); i++)
		buf_addf(out, "  %-12s %s\n", commands[i]->name,
		    commands[i]->brief);
	buf_adds(out, "\n"
	    "  -c, --config FILE    the configuration of the daemon\n"
	    "  -s, --socket SOCKET  where it listens; else MPSUPD_SOCKET, "
	    "else from FILE\n"
	    "      --json           print the daemon's answer as it came\n"
	    "  -h, --help           this text; after COMMAND, that "
	    "command's\n"
	    "      --version        the version of this program\n"
	    "\n"
	    "NAME is a process, group:name, group:*, a pattern, or all.\n"
	    "start stop restart reload status without NAME mean the "
	    "daemon.\n"
	    "mpsupd help COMMAND tells more; so does mpsupd(8).\n");
}

void
cmd_usage(struct buf *out)
{
	buf_adds(out, "usage: mpsupd [-c FILE] [-s SOCKET] [--json] COMMAND "
	    "[ARGUMENT...]\n"
	    "mpsupd help lists the commands\n");
}

/* "SIGNAL NAME..." of a usage line: the words that stand outside of options.
 * "-" if there are none. */
static void
add_operands(const char *args, struct buf *out)
{
	const char *sep = "", *word;
	bool option = false;
	size_t len;

	for (; *args != '\0'; args += len) {
		args += strspn(args, " |");
		len = strcspn(args, " ");
		if (args[0] == '[' && args[1] == '-')
			option = true;
		word = args + strspn(args, "[");
		if (!option && len > 0) {
			buf_adds(out, sep);
			buf_add(out, word, strcspn(word, " ]"));
			sep = " ";
		}
		if (memchr(args, ']', len) != NULL)
			option = false;
	}
	if (*sep == '\0')
		buf_addc(out, '-');
}

/* Each way to write the options of the set OPTS: "-t=SECONDS --oknodo". */
static void
add_options(uint32_t opts, bool front, struct buf *out)
{
	const char *sep = "", *eq, *value;
	int o;

	for (o = 0; o < OPTS; o++) {
		if ((opts & CMD_OPT(o)) == 0 || o == OPT_COMPLETION)
			continue;
		value = options[o].value != NULL && !options[o].optional ?
		    options[o].value : "";
		eq = *value != '\0' ? "=" : "";
		if (options[o].letter != 0 &&
		    (front || !options[o].front_only)) {
			buf_addf(out, "%s-%c%s%s", sep, options[o].letter, eq,
			    value);
			sep = " ";
		}
		buf_addf(out, "%s--%s%s%s", sep, options[o].name, eq, value);
		sep = " ";
	}
}

void
cmd_completion(struct buf *out)
{
	size_t i;

	buf_adds(out, "-\t-\t");
	add_options(CMD_FRONT, true, out);
	buf_adds(out, "\tbefore the command\n");
	for (i = 0; i < COUNT(commands); i++) {
		buf_addf(out, "%s\t", commands[i]->name);
		add_operands(commands[i]->args, out);
		buf_addc(out, '\t');
		add_options(commands[i]->opts | CMD_BEHIND, false, out);
		buf_addf(out, "\t%s\n", commands[i]->brief);
	}
}
