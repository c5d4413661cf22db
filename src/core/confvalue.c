/* What each type of key accepts; see confvalue.h. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <uthash.h>

#include "core/conf.h"
#include "core/confarena.h"
#include "core/confvalue.h"
#include "core/cron.h"
#include "core/probe.h"
#include "core/shlex.h"
#include "core/stopplan.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define QUOTE_MAX 60 /* bytes of a value shown in a message */
#define YEARS_MS (INT64_C(10) * 365 * 86400 * 1000) /* longest window */

_Static_assert(offsetof(struct conf_process, restart_window_ms) ==
    offsetof(struct conf_process, restart_limit) + sizeof(int64_t),
    "STORE_LIMIT is an array of two");

/* A user that was looked up, strings in the arena. */
struct confvalue_user {
	const char *name;
	struct conf_user user;
	UT_hash_handle hh;
};

/* One value on its way into its field. */
struct value {
	const struct confkey *key;
	const char *text;
	struct confvalue_ctx *ctx;
	struct buf *why;
};

typedef enum confvalue_result parse_fn(const struct value *v, void *field);

void
confvalue_quote(struct buf *out, const char *text)
{
	size_t len = strlen(text), n = len;

	if (len > QUOTE_MAX) {
		n = QUOTE_MAX;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	buf_addc(out, '"');
	buf_add(out, text, n);
	buf_adds(out, len > QUOTE_MAX ? "...\"" : "\"");
}

static enum confvalue_result
bad(const struct value *v, const char *reason)
{
	confvalue_quote(v->why, v->text);
	buf_addc(v->why, ' ');
	buf_adds(v->why, reason);
	return CONFVALUE_BAD;
}

/* A word of CHOICES in any case. */
static bool
find_choice(const struct confkey_choice *c, const char *text, int64_t *ret)
{
	for (; c->word != NULL; c++) {
		if (strcasecmp(c->word, text) == 0) {
			*ret = c->num;
			return true;
		}
	}
	return false;
}

static const struct confkey_choice bools[] = {
	{"true", 1},
	{"yes", 1},
	{"on", 1},
	{"1", 1},
	{"false", 0},
	{"no", 0},
	{"off", 0},
	{"0", 0},
	{NULL, 0},
};

static enum confvalue_result
parse_bool(const struct value *v, void *field)
{
	int64_t n;

	if (!find_choice(bools, v->text, &n))
		return bad(v, "is neither true nor false");
	*(bool *)field = n != 0;
	return CONFVALUE_OK;
}

static enum confvalue_result
out_of_range(const struct value *v)
{
	buf_addf(v->why, "%s is out of range (%" PRId64 " to %" PRId64 "%s%s)",
	    v->text, v->key->min, v->key->max, v->key->unit ? " " : "",
	    v->key->unit ? v->key->unit : "");
	return CONFVALUE_BAD;
}

/* True if S is [+-]digits; *RET saturates. */
static bool
read_int(const char *s, int64_t *ret)
{
	if (*s == '+' && s[1] != '-')
		s++;
	if (str_to_int(s, INT64_MIN, INT64_MAX, ret))
		return true;
	*ret = *s == '-' ? INT64_MIN : INT64_MAX;
	if (*s == '-')
		s++;
	return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static enum confvalue_result
parse_int(const struct value *v, void *field)
{
	int64_t n;

	if (!read_int(v->text, &n)) {
		bad(v, "is not a whole number");
		if (v->key->unit != NULL)
			buf_addf(v->why, " of %s", v->key->unit);
		return CONFVALUE_BAD;
	}
	if (n < v->key->min || n > v->key->max)
		return strlen(v->text) > 20 ? bad(v, "is out of range") :
					      out_of_range(v);
	*(int64_t *)field = n;
	return CONFVALUE_OK;
}

/* A number with a suffix: UNITS has the suffixes, longest match first. */
static bool
read_scaled(const char *s, const struct confkey_choice *units, int64_t bare,
    int64_t *ret)
{
	size_t digits = strspn(s, "0123456789");
	const char *suffix = s + digits + strspn(s + digits, " \t");
	int64_t n, scale = bare;
	char text[24];

	if (digits == 0 || digits >= sizeof text)
		return false;
	memcpy(text, s, digits);
	text[digits] = '\0';
	if (*suffix != '\0' && !find_choice(units, suffix, &scale))
		return false;
	return str_to_int(text, 0, INT64_MAX, &n) &&
	    !__builtin_mul_overflow(n, scale, ret);
}

static const struct confkey_choice size_units[] = {
	{"KB", 1024},
	{"MB", 1024 * 1024},
	{"GB", 1024 * 1024 * 1024},
	{NULL, 0},
};

static const struct confkey_choice duration_units[] = {
	{"ms", 1},
	{"s", 1000},
	{"m", 60 * 1000},
	{"h", 3600 * 1000},
	{"d", 86400 * 1000},
	{NULL, 0},
};

static enum confvalue_result
parse_size(const struct value *v, void *field)
{
	int64_t n;

	if (!read_scaled(v->text, size_units, 1, &n))
		return bad(v, "is not a size: N, NKB, NMB or NGB");
	*(int64_t *)field = n;
	return CONFVALUE_OK;
}

bool
confvalue_duration(const char *text, int64_t *ret_ms)
{
	return read_scaled(text, duration_units, 1000, ret_ms);
}

static enum confvalue_result
parse_duration(const struct value *v, void *field)
{
	int64_t n;

	if (!confvalue_duration(v->text, &n))
		return bad(v, "is not a duration: a whole number and "
			      "ms, s, m, h or d");
	if (n < v->key->min)
		return bad(v, "is too short");
	if (n > v->key->max)
		return bad(v, "is too long");
	*(int64_t *)field = n;
	return CONFVALUE_OK;
}

static enum confvalue_result
parse_octal(const struct value *v, void *field)
{
	const char *s = v->text;
	int64_t n = 0;

	if (s[0] == '0' && (s[1] == 'o' || s[1] == 'O'))
		s += 2;
	if (*s == '\0' || s[strspn(s, "01234567")] != '\0')
		return bad(v, "is not an octal number");
	for (; *s != '\0' && n <= v->key->max; s++)
		n = n * 8 + (*s - '0');
	if (n > v->key->max)
		return bad(v, "is too large");
	*(int64_t *)field = n;
	return CONFVALUE_OK;
}

static enum confvalue_result
parse_percent(const struct value *v, void *field)
{
	static const struct confkey_choice percent[] = {{"%", 1}, {NULL, 0}};
	int64_t n;

	if (!read_scaled(v->text, percent, 1, &n) || n > v->key->max)
		return bad(v, "is not a percentage (0% to 100%)");
	*(int64_t *)field = n;
	return CONFVALUE_OK;
}

/* The words a user may write, once per number. */
static void
list_choices(struct buf *out, const struct confkey_choice *c)
{
	const struct confkey_choice *prev = NULL;

	for (; c->word != NULL; prev = c++) {
		if (prev != NULL && prev->num == c->num)
			continue;
		buf_addf(out, "%s%s", prev == NULL ? "" : ", ", c->word);
	}
}

static enum confvalue_result
parse_choice(const struct value *v, void *field)
{
	if (find_choice(v->key->choices, v->text, field))
		return CONFVALUE_OK;
	bad(v, "is none of ");
	list_choices(v->why, v->key->choices);
	return CONFVALUE_BAD;
}

/* First name of a number is the one that is shown. */
static const struct confkey_choice signals[] = {
	{"HUP", SIGHUP},
	{"INT", SIGINT},
	{"QUIT", SIGQUIT},
	{"ILL", SIGILL},
	{"TRAP", SIGTRAP},
	{"ABRT", SIGABRT},
	{"IOT", SIGABRT},
	{"BUS", SIGBUS},
	{"FPE", SIGFPE},
	{"KILL", SIGKILL},
	{"USR1", SIGUSR1},
	{"SEGV", SIGSEGV},
	{"USR2", SIGUSR2},
	{"PIPE", SIGPIPE},
	{"ALRM", SIGALRM},
	{"TERM", SIGTERM},
#ifdef SIGSTKFLT
	{"STKFLT", SIGSTKFLT},
#endif
	{"CHLD", SIGCHLD},
	{"CLD", SIGCHLD},
	{"CONT", SIGCONT},
	{"STOP", SIGSTOP},
	{"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},
	{"URG", SIGURG},
	{"XCPU", SIGXCPU},
	{"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM},
	{"PROF", SIGPROF},
	{"WINCH", SIGWINCH},
	{"IO", SIGIO},
	{"POLL", SIGIO},
	{"PWR", SIGPWR},
	{"SYS", SIGSYS},
	{NULL, 0},
};

/* RTMIN, RTMIN+n, RTMAX, RTMAX-n. */
static int
realtime_signal(const char *name)
{
	bool from_min = strncasecmp(name, "RTMIN", 5) == 0;
	int base = from_min ? SIGRTMIN : SIGRTMAX;
	int64_t n;

	if (!from_min && strncasecmp(name, "RTMAX", 5) != 0)
		return -1;
	if (name[5] == '\0')
		return base;
	if (name[5] != (from_min ? '+' : '-') ||
	    !str_to_int(name + 6, 0, SIGRTMAX - SIGRTMIN, &n))
		return -1;
	return from_min ? base + (int)n : base - (int)n;
}

int
confvalue_signal(const char *name)
{
	int64_t n;

	if (read_int(name, &n))
		return n >= 1 && n <= 64 ? (int)n : -1;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	if (find_choice(signals, name, &n))
		return (int)n;
	return realtime_signal(name);
}

const char *
confvalue_signal_name(int sig, char *buf)
{
	const struct confkey_choice *c;

	for (c = signals; c->word != NULL; c++)
		if (c->num == sig)
			return c->word;
	if (sig == SIGRTMIN)
		return "RTMIN";
	if (sig > SIGRTMIN && sig <= SIGRTMAX)
		snprintf(buf, 16, "RTMIN+%d", sig - SIGRTMIN);
	else
		snprintf(buf, 16, "%d", sig);
	return buf;
}

static enum confvalue_result
parse_signal(const struct value *v, void *field)
{
	int sig = confvalue_signal(v->text);

	if (sig == -1)
		return bad(v, "is not a signal");
	*(int64_t *)field = sig;
	return CONFVALUE_OK;
}

/*
 * Splits at commas (and blanks, with BLANKS) into NUL-terminated words,
 * stripped.  Between commas a word may be empty; an empty text has none.
 */
static size_t
split_list(const char *s, bool blanks, struct buf *out)
{
	const char *stop = blanks ? ", \t\r\n" : ",";
	size_t n = 0, len, end;

	s += strspn(s, " \t\r\n");
	if (*s == '\0')
		return 0;
	for (;;) {
		s += strspn(s, " \t\r\n");
		len = end = strcspn(s, stop);
		while (len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL)
			len--;
		if (len > 0 || !blanks) {
			buf_add(out, s, len);
			buf_addc(out, '\0');
			n++;
		}
		if (s[end] == '\0')
			return n;
		s += end + 1;
	}
}

static enum confvalue_result
parse_exitcodes(const struct value *v, void *field)
{
	struct buf words = BUF_INIT, good = BUF_INIT;
	size_t i, n = split_list(v->text, false, &words);
	const char *w = n > 0 ? buf_head(&words) : "";
	int64_t code;

	for (i = 0; i < n; i++, w += strlen(w) + 1) {
		if (!read_int(w, &code) || code < 0 || code > 255)
			break;
		buf_addf(&good, "%d", (int)code);
		buf_addc(&good, '\0');
	}
	if (i == n)
		conf_arena_strs(v->ctx->arena, n > 0 ? buf_head(&good) : "",
		    n, field);
	buf_clear(&words);
	buf_clear(&good);
	return i == n ? CONFVALUE_OK :
			bad(v, "is not a list of exit codes (0 to 255)");
}

bool
confvalue_set_expected(struct conf_process *p)
{
	size_t i;
	int64_t code;

	memset(p->expected, 0, sizeof p->expected);
	for (i = 0; i < p->exitcodes.n; i++) {
		if (!str_to_int(p->exitcodes.v[i], 0, 255, &code))
			return false;
		p->expected[code / 32] |= UINT32_C(1) << (code % 32);
	}
	return true;
}

/* "5/60s", or "0" for none. */
static bool
read_limit(const struct value *v, int64_t *ret_n, int64_t *ret_window)
{
	size_t len = strcspn(v->text, "/"), digits;
	const char *window = v->text + len;
	char count[16];

	digits = strspn(v->text, "0123456789");
	if (digits >= sizeof count ||
	    digits + strspn(v->text + digits, " \t") != len)
		return false;
	memcpy(count, v->text, digits);
	count[digits] = '\0';
	if (!str_to_int(count, 0, v->key->max, ret_n))
		return false;
	*ret_window = 0;
	if (*window == '\0')
		return *ret_n == 0;
	window++;
	window += strspn(window, " \t");
	return read_scaled(window, duration_units, 1000, ret_window) &&
	    *ret_window > 0 && *ret_window <= YEARS_MS;
}

static enum confvalue_result
parse_limit(const struct value *v, void *field)
{
	int64_t *limit = field, n, window;

	if (!read_limit(v, &n, &window))
		return bad(v, "is neither 0 nor STARTS/TIME as in 5/60s");
	limit[0] = n;
	limit[1] = n == 0 ? 0 : window;
	return CONFVALUE_OK;
}

static enum confvalue_result
parse_string(const struct value *v, void *field)
{
	*(char **)field = *v->text == '\0' ? NULL :
					     conf_arena_dup(v->ctx->arena,
						 v->text);
	return CONFVALUE_OK;
}

bool
confvalue_name_is_valid(const char *name, struct buf *why)
{
	const char *reason = NULL, *s;
	size_t len = strlen(name), i, n;

	if (len == 0)
		reason = "is empty";
	else if (len > CONF_NAME_MAX)
		reason = "is longer than 200 bytes";
	for (s = name; reason == NULL && *s != '\0'; s++)
		if (strchr(" :/", *s) != NULL || (unsigned char)*s < 0x20 ||
		    *s == 0x7f)
			reason = "has a blank, a colon, a slash or a control "
				 "character";
	for (i = 0; reason == NULL && i < len; i += n)
		if ((n = utf8_len(name + i, len - i)) == 0)
			reason = "is not valid UTF-8";
	if (reason == NULL)
		return true;
	buf_adds(why, "the name ");
	confvalue_quote(why, name);
	buf_addf(why, " %s", reason);
	return false;
}

/* Stripped as supervisord does. */
static enum confvalue_result
parse_name(const struct value *v, void *field)
{
	const char *s = v->text + strspn(v->text, " \t\r\n");
	size_t len = strlen(s);
	char *name;

	while (len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL)
		len--;
	name = conf_arena_ndup(v->ctx->arena, s, len);
	if (!confvalue_name_is_valid(name, v->why))
		return CONFVALUE_BAD;
	*(char **)field = name;
	return CONFVALUE_OK;
}

/* "~" and "~/x" are of the one who starts the daemon, "~user" of user. */
static const char *
home_of(const struct confvalue_ctx *ctx, const char *path, size_t len,
    struct conf_user *u)
{
	char *name;
	bool known;

	if (len == 1)
		return ctx->host->home;
	name = xstrndup(path + 1, len - 1);
	known = ctx->host->user(ctx->host->arg, name, u);
	free(name);
	return known ? u->home : NULL;
}

static void
user_free(struct conf_user *u)
{
	free(u->groups);
	free(u->home);
	free(u->shell);
	free(u->login);
}

/* Appends the components of S.  ".." stays: behind a symbolic link it leads
 * elsewhere than the text says. */
static void
add_components(struct buf *b, const char *s)
{
	size_t len;

	for (; *s != '\0'; s += len) {
		if (*s == '/') {
			len = 1;
			continue;
		}
		len = strcspn(s, "/");
		if (len == 1 && s[0] == '.')
			continue;
		buf_addc(b, '/');
		buf_add(b, s, len);
	}
}

char *
confvalue_path(const struct confvalue_ctx *ctx, const char *base_dir,
    const char *path)
{
	struct conf_user u = {0};
	struct buf b = BUF_INIT;
	size_t len = strcspn(path, "/");
	const char *home = NULL;
	char *ret;

	if (path[0] == '~')
		home = home_of(ctx, path, len, &u);
	if (home != NULL)
		add_components(&b, home);
	else if (path[0] != '/')
		add_components(&b, base_dir);
	add_components(&b, home != NULL ? path + len : path);
	if (buf_len(&b) == 0)
		buf_addc(&b, '/');
	ret = conf_arena_ndup(ctx->arena, buf_head(&b), buf_len(&b));
	buf_clear(&b);
	user_free(&u);
	return ret;
}

static enum confvalue_result
parse_path(const struct value *v, void *field)
{
	if (*v->text == '\0') {
		*(char **)field = NULL;
		return CONFVALUE_OK;
	}
	if (strchr(v->text, '\n') != NULL)
		return bad(v, "is not a path: it has more than one line");
	*(char **)field = confvalue_path(v->ctx, v->ctx->host->cwd, v->text);
	return CONFVALUE_OK;
}

static enum confvalue_result
parse_maybe_path(const struct value *v, void *field)
{
	bool maybe = v->text[0] == '-';
	struct value path = *v;
	struct buf b = BUF_INIT;
	char *text = NULL;

	path.text += maybe;
	if (maybe && path.text[0] == '\0')
		return bad(v, "has no path");
	if (parse_path(&path, &text) != CONFVALUE_OK)
		return CONFVALUE_BAD;
	if (maybe) {
		buf_addf(&b, "-%s", text);
		text = conf_arena_ndup(v->ctx->arena, buf_head(&b),
		    buf_len(&b));
		buf_clear(&b);
	}
	*(char **)field = text;
	return CONFVALUE_OK;
}

enum logfile { LOGFILE_NONE, LOGFILE_AUTO, LOGFILE_SYSLOG };

static const struct confkey_choice logfiles[] = {
	{"NONE", LOGFILE_NONE},
	{"off", LOGFILE_NONE},
	{"", LOGFILE_NONE},
	{"AUTO", LOGFILE_AUTO},
	{"syslog", LOGFILE_SYSLOG},
	{NULL, 0},
};

/* *FIELD is untouched by AUTO. */
static enum confvalue_result
parse_mainlog(const struct value *v, void *field)
{
	int64_t n;

	if (!find_choice(logfiles, v->text, &n))
		return parse_path(v, field);
	if (n == LOGFILE_NONE)
		*(char **)field = NULL;
	else if (n == LOGFILE_SYSLOG)
		*(char **)field = conf_arena_dup(v->ctx->arena, "syslog");
	return CONFVALUE_OK;
}

static enum confvalue_result
parse_log(const struct value *v, void *field)
{
	struct conf_log *log = field;
	char *file = NULL;

	if (parse_mainlog(v, &file) != CONFVALUE_OK)
		return CONFVALUE_BAD;
	log->file = file;
	log->automatic = strcasecmp(v->text, "AUTO") == 0;
	return CONFVALUE_OK;
}

static enum confvalue_result
parse_url(const struct value *v, void *field)
{
	if (strcasecmp(v->text, "AUTO") == 0) {
		*(char **)field = NULL;
		return CONFVALUE_OK;
	}
	return parse_string(v, field);
}

/* host:port, the host being "localhost" when any would do. */
static enum confvalue_result
parse_inet(const struct value *v, void *field)
{
	const char *colon = strrchr(v->text, ':');
	const char *port = colon == NULL ? v->text : colon + 1;
	size_t len = colon == NULL ? 0 : (size_t)(colon - v->text);
	struct buf b = BUF_INIT;
	int64_t n;

	if (!str_to_int(port, v->key->min, v->key->max, &n) ||
	    memchr(v->text, ' ', len) != NULL)
		return bad(v, "is not [HOST:]PORT");
	if (len == 0 || (len == 1 && v->text[0] == '*'))
		buf_adds(&b, "localhost");
	else
		buf_add(&b, v->text, len);
	buf_addf(&b, ":%d", (int)n);
	*(char **)field = conf_arena_ndup(v->ctx->arena, buf_head(&b),
	    buf_len(&b));
	buf_clear(&b);
	return CONFVALUE_OK;
}

/* Looks NAME up once per run; strings are moved to the arena. */
static const struct conf_user *
find_user(struct confvalue_ctx *ctx, const char *name)
{
	struct confvalue_user *u;
	struct conf_user found = {0};

	HASH_FIND_STR(ctx->users, name, u);
	if (u != NULL)
		return &u->user;
	u = xcalloc(1, sizeof *u);
	u->name = conf_arena_dup(ctx->arena, name);
	if (ctx->host->user(ctx->host->arg, name, &found)) {
		u->user = found;
		u->user.known = true;
		u->user.home = conf_arena_dup(ctx->arena, found.home);
		u->user.shell = conf_arena_dup(ctx->arena, found.shell);
		u->user.login = conf_arena_dup(ctx->arena, found.login);
		u->user.groups = conf_arena_calloc(ctx->arena, found.ngroups,
		    sizeof *found.groups);
		if (found.ngroups > 0)
			memcpy(u->user.groups, found.groups,
			    found.ngroups * sizeof *found.groups);
		user_free(&found);
	}
	u->user.name = conf_arena_dup(ctx->arena, name);
	HASH_ADD_KEYPTR(hh, ctx->users, u->name, strlen(u->name), u);
	return &u->user;
}

void
confvalue_ctx_clear(struct confvalue_ctx *ctx)
{
	struct confvalue_user *u, *tmp;

	HASH_ITER(hh, ctx->users, u, tmp) {
		HASH_DEL(ctx->users, u);
		free(u);
	}
}

static enum confvalue_result
parse_user(const struct value *v, void *field)
{
	struct conf_user *u = field;

	if (*v->text == '\0') {
		memset(u, 0, sizeof *u);
		return CONFVALUE_OK;
	}
	*u = *find_user(v->ctx, v->text);
	if (u->known)
		return CONFVALUE_OK;
	buf_adds(v->why, "there is no user or group ");
	confvalue_quote(v->why, v->text);
	if (v->key->sections & SECT_MAIN) {
		memset(u, 0, sizeof *u);
		return CONFVALUE_BAD;
	}
	buf_adds(v->why, "; it will not start");
	return CONFVALUE_WARN;
}

/* Adds one user or @group to A, whose arrays have room. */
static bool
acl_add(const struct value *v, const char *word, struct conf_acl *a)
{
	const struct conf_user *u;

	if (word[0] == '@') {
		if (!v->ctx->host->group(v->ctx->host->arg, word + 1,
		    &a->gids[a->ngids]))
			return false;
		a->ngids++;
		return true;
	}
	u = find_user(v->ctx, word);
	if (!u->known)
		return false;
	a->uids[a->nuids++] = u->uid;
	return true;
}

static enum confvalue_result
parse_acl(const struct value *v, void *field)
{
	struct buf words = BUF_INIT;
	size_t i, n = split_list(v->text, true, &words);
	const char *w = n > 0 ? buf_head(&words) : "";
	struct conf_acl a = {0};
	enum confvalue_result res = CONFVALUE_OK;

	a.uids = conf_arena_calloc(v->ctx->arena, n, sizeof *a.uids);
	a.gids = conf_arena_calloc(v->ctx->arena, n, sizeof *a.gids);
	for (i = 0; i < n; i++, w += strlen(w) + 1) {
		if (acl_add(v, w, &a))
			continue;
		buf_addf(v->why, "%sthere is no %s ",
		    res == CONFVALUE_OK ? "" : ", ",
		    w[0] == '@' ? "group" : "user");
		confvalue_quote(v->why, w[0] == '@' ? w + 1 : w);
		res = CONFVALUE_BAD;
	}
	buf_clear(&words);
	if (res != CONFVALUE_OK)
		return res;
	a.text = n == 0 ? NULL : conf_arena_dup(v->ctx->arena, v->text);
	*(struct conf_acl *)field = a;
	return CONFVALUE_OK;
}

static enum confvalue_result
parse_words(const struct value *v, void *field,
    bool (*split)(const char *, struct buf *, size_t *, struct buf *),
    size_t at_least)
{
	struct buf words = BUF_INIT;
	size_t n = 0;
	bool ok = split(v->text, &words, &n, v->why);

	if (ok && n < at_least) {
		buf_adds(v->why, "there is no command");
		ok = false;
	}
	if (ok)
		conf_arena_strs(v->ctx->arena, n > 0 ? buf_head(&words) : "",
		    n, field);
	buf_clear(&words);
	return ok ? CONFVALUE_OK : CONFVALUE_BAD;
}

static enum confvalue_result
parse_environment(const struct value *v, void *field)
{
	return parse_words(v, field, shlex_environment, 0);
}

static enum confvalue_result
parse_command(const struct value *v, void *field)
{
	return parse_words(v, field, shlex_split, 1);
}

static enum confvalue_result
parse_argv(const struct value *v, void *field)
{
	return parse_words(v, field, shlex_split, 0);
}

/* Words with any of STOPS between them. */
static enum confvalue_result
parse_list(const struct value *v, void *field, const char *stops)
{
	struct buf words = BUF_INIT;
	const char *s = v->text + strspn(v->text, stops);
	size_t n, len;

	for (n = 0; *s != '\0'; n++) {
		len = strcspn(s, stops);
		buf_add(&words, s, len);
		buf_addc(&words, '\0');
		s += len + strspn(s + len, stops);
	}
	conf_arena_strs(v->ctx->arena, n > 0 ? buf_head(&words) : "", n,
	    field);
	buf_clear(&words);
	return CONFVALUE_OK;
}

/* Names of processes, programs and groups, "group:name" too. */
static enum confvalue_result
parse_names(const struct value *v, void *field)
{
	return parse_list(v, field, ", \t\r\n");
}

/* NAME:STATE,STATE: the comma is theirs. */
static enum confvalue_result
parse_waits(const struct value *v, void *field)
{
	return parse_list(v, field, " \t\r\n");
}

/* A text that CHECK accepts; NOTHING, or no text, is NULL. */
static enum confvalue_result
parse_checked(const struct value *v, void *field, const char *nothing,
    bool (*check)(const char *text, struct buf *why))
{
	if (*v->text == '\0' || strcasecmp(v->text, nothing) == 0) {
		*(char **)field = NULL;
		return CONFVALUE_OK;
	}
	return check(v->text, v->why) ? parse_string(v, field) :
	    CONFVALUE_BAD;
}

static bool
check_stops(const char *text, struct buf *why)
{
	struct stopplan_step steps[STOPPLAN_MAX];

	return stopplan_parse(text, steps, why) > 0;
}

static enum confvalue_result
parse_stops(const struct value *v, void *field)
{
	return parse_checked(v, field, "", check_stops);
}

static bool
check_probe(const char *text, struct buf *why)
{
	struct probe_spec spec = {.kind = PROBE_NONE};
	bool ok = probe_parse(text, &spec, why);

	probe_spec_clear(&spec);
	return ok;
}

static enum confvalue_result
parse_probe(const struct value *v, void *field)
{
	return parse_checked(v, field, "none", check_probe);
}

static bool
check_schedule(const char *text, struct buf *why)
{
	struct cron cron;

	return cron_parse(text, &cron, why);
}

static enum confvalue_result
parse_schedule(const struct value *v, void *field)
{
	return parse_checked(v, field, "", check_schedule);
}

static bool
check_give_up(const char *text, struct buf *why)
{
	struct buf words = BUF_INIT;
	size_t n = 0;
	bool ok;

	if (strcasecmp(text, "shutdown") == 0)
		return true;
	ok = strncasecmp(text, "exec:", 5) == 0 &&
	    shlex_split(text + 5, &words, &n, why) && n > 0;
	buf_clear(&words);
	if (!ok) {
		confvalue_quote(why, text);
		buf_adds(why, " is none of none, shutdown, exec:COMMAND");
	}
	return ok;
}

static enum confvalue_result
parse_give_up(const struct value *v, void *field)
{
	return parse_checked(v, field, "none", check_give_up);
}

static const struct {
	parse_fn *parse;
	enum confvalue_storage storage;
} types[KEY_TYPES] = {
	[KEY_BOOL] = {parse_bool, STORE_BOOL},
	[KEY_INT] = {parse_int, STORE_INT},
	[KEY_SIZE] = {parse_size, STORE_INT},
	[KEY_OCTAL] = {parse_octal, STORE_INT},
	[KEY_DURATION] = {parse_duration, STORE_INT},
	[KEY_PERCENT] = {parse_percent, STORE_INT},
	[KEY_CHOICE] = {parse_choice, STORE_INT},
	[KEY_SIGNAL] = {parse_signal, STORE_INT},
	[KEY_EXITCODES] = {parse_exitcodes, STORE_STRS},
	[KEY_LIMIT] = {parse_limit, STORE_LIMIT},
	[KEY_STRING] = {parse_string, STORE_STR},
	[KEY_NAME] = {parse_name, STORE_STR},
	[KEY_PATH] = {parse_path, STORE_STR},
	[KEY_MAYBE_PATH] = {parse_maybe_path, STORE_STR},
	[KEY_MAINLOG] = {parse_mainlog, STORE_STR},
	[KEY_LOG] = {parse_log, STORE_LOG},
	[KEY_URL] = {parse_url, STORE_STR},
	[KEY_INET] = {parse_inet, STORE_STR},
	[KEY_USER] = {parse_user, STORE_USER},
	[KEY_ACL] = {parse_acl, STORE_ACL},
	[KEY_ENVIRONMENT] = {parse_environment, STORE_STRS},
	[KEY_COMMAND] = {parse_command, STORE_STRS},
	[KEY_ARGV] = {parse_argv, STORE_STRS},
	[KEY_NAMES] = {parse_names, STORE_STRS},
	[KEY_WAITS] = {parse_waits, STORE_STRS},
	[KEY_STOPS] = {parse_stops, STORE_STR},
	[KEY_PROBE] = {parse_probe, STORE_STR},
	[KEY_GIVE_UP] = {parse_give_up, STORE_STR},
	[KEY_SCHEDULE] = {parse_schedule, STORE_STR},
};

enum confvalue_storage
confvalue_storage(enum confkey_type type)
{
	return types[type].storage;
}

/* Room for a value that has no field. */
union scratch {
	bool b;
	int64_t n[2];
	char *text;
	struct conf_strs strs;
	struct conf_log log;
	struct conf_user user;
	struct conf_acl acl;
};

enum confvalue_result
confvalue_parse(const struct confkey *k, const char *text,
    struct confvalue_ctx *ctx, void *base, struct buf *why,
    const char **ret_text)
{
	struct value v = {k, text, ctx, why};
	union scratch scratch = {.n = {0}};
	enum confvalue_result res;

	if (confkey_is_kept(k))
		return types[k->type].parse(&v, (char *)base + k->offset);
	res = types[k->type].parse(&v, &scratch);
	if (ret_text != NULL && types[k->type].storage == STORE_STR)
		*ret_text = scratch.text;
	return res;
}

/* Numbers that are not set are -1; all else that is not set is zero. */
static void
default_row(const struct confkey *k, void *base, struct confvalue_ctx *ctx)
{
	struct buf why = BUF_INIT;

	if (k->def != NULL && (k->flags & KF_COMPUTED) == 0 &&
	    k->type != KEY_NAME)
		confvalue_parse(k, k->def, ctx, base, &why, NULL);
	else if (k->def == NULL && types[k->type].storage == STORE_INT)
		*(int64_t *)(void *)((char *)base + k->offset) = -1;
	buf_clear(&why);
}

void
confvalue_defaults(enum confkey_section sect, void *base,
    struct conf_arena *arena)
{
	struct confvalue_ctx ctx = {.arena = arena};
	const struct confkey *t;
	size_t i, n;

	if (sect == SECT_MAIN)
		memset(base, 0, sizeof(struct conf_main));
	else
		memset(base, 0, sizeof(struct conf_process));
	t = confkey_table(&n);
	for (i = 0; i < n; i++)
		if ((t[i].sections & sect) != 0 && confkey_is_kept(&t[i]))
			default_row(&t[i], base, &ctx);
	if (sect != SECT_MAIN) {
		((struct conf_process *)base)->slot = -1;
		confvalue_set_expected(base);
	}
}
