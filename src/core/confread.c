/* The files of a configuration, merged; see confread.h. */
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/confarena.h"
#include "core/confread.h"
#include "core/confsyntax.h"
#include "core/confvalue.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

#define SECTIONS_MAX (4 * CONF_PROCESS_MAX)
#define MISTAKES_MAX (10 * CONF_MSG_MAX) /* then it is no configuration */
#define SHOWN_MAX 300 /* bytes of a name shown in a message */

/* A variable, for %(ENV_x)s. */
struct confread_var {
	const char *value;
	UT_hash_handle hh;
};

/* Any known key, so that one that is not is found out fast. */
struct confread_name {
	UT_hash_handle hh;
};

static void
say(const struct confread *r, const struct confread_file *f, unsigned line,
    bool warning, const char *text)
{
	if (r->msgs != NULL)
		conf_msg_add(r->msgs, warning, "%s:%u: %s", f->path, line,
		    text);
}

void
confread_say_section(const struct confread *r,
    const struct confread_section *s, bool warning, const char *text)
{
	if (r->msgs != NULL)
		conf_msg_add(r->msgs, warning, "%s:%u: section [%.*s]: %s",
		    s->file->path, s->line, SHOWN_MAX, s->name, text);
}

void
confread_say_entry(const struct confread *r, const struct confread_entry *e,
    bool warning, const char *text)
{
	if (r->msgs != NULL)
		conf_msg_add(r->msgs, warning,
		    "%s:%u: section [%.*s]: %s: %s", e->file->path, e->line,
		    SHOWN_MAX, e->section, e->key->name, text);
}

/* True if a message would only be counted, so that its text is not needed. */
static bool
is_muted(const struct confread *r, bool warning)
{
	return r->msgs == NULL || !conf_msg_fits(r->msgs, warning);
}

struct confread_section *
confread_section(const struct confread *r, const char *id)
{
	struct confread_section *s;

	HASH_FIND_STR(r->sections, id, s);
	return s;
}

struct confread_entry *
confread_entry(const struct confread_section *s, const char *name)
{
	struct confread_entry *e;

	for (e = s->entries; e != NULL; e = e->next)
		if (strcmp(e->key->name, name) == 0)
			return e;
	return NULL;
}

/* Expansion. */

void
confread_setenv(struct confread *r, const char *pair)
{
	size_t len = strcspn(pair, "=");
	struct confread_var *v;

	if (pair[len] != '=')
		return;
	HASH_FIND(hh, r->vars, pair, len, v);
	if (v == NULL) {
		v = conf_arena_alloc(r->arena, sizeof *v);
		HASH_ADD_KEYPTR(hh, r->vars, pair, len, v);
	}
	v->value = pair + len + 1;
}

/* Of a variable that stands twice the first counts, as for getenv(). */
static void
read_environ(struct confread *r)
{
	size_t n = 0;

	if (r->host->environ == NULL)
		return;
	while (r->host->environ[n] != NULL)
		n++;
	while (n-- > 0)
		confread_setenv(r, r->host->environ[n]);
}

static bool
is_name(const char *name, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(name, word, len) == 0;
}

/* For a single look-up, without a table of all of them. */
static const char *
inherited_variable(const struct confread *r, const char *key, size_t len)
{
	size_t i;

	for (i = 0; r->host->environ != NULL && r->host->environ[i] != NULL;
	    i++)
		if (strncmp(r->host->environ[i], key, len) == 0 &&
		    r->host->environ[i][len] == '=')
			return r->host->environ[i] + len + 1;
	return NULL;
}

/* KEY of LEN bytes in ENV, the last one of that name. */
static const char *
variable_in(const struct conf_strs *env, const char *key, size_t len)
{
	size_t i;

	for (i = env->n; i-- > 0;)
		if (strncmp(env->v[i], key, len) == 0 && env->v[i][len] == '=')
			return env->v[i] + len + 1;
	return NULL;
}

/* ... in the program's own environment. */
static const char *
own_variable(const struct conf_process *p, const char *key, size_t len)
{
	const char *value = variable_in(&p->environment, key, len);

	return value != NULL ? value :
	    variable_in(&p->file_environment, key, len);
}

static bool
lookup_variable(const struct confread_scope *s, const char *key, size_t len,
    struct expand_value *ret)
{
	struct confread_var *v;

	if (s->process != NULL)
		ret->text = own_variable(s->process, key, len);
	if (ret->text == NULL) {
		HASH_FIND(hh, s->r->vars, key, len, v);
		ret->text = v != NULL ? v->value :
		    s->r->peek ? inherited_variable(s->r, key, len) : NULL;
	}
	return ret->text != NULL;
}

static bool
lookup_process(const struct confread_scope *s, const char *name, size_t len,
    struct expand_value *ret)
{
	const struct conf_process *p = s->process;

	if (is_name(name, len, "program_name"))
		ret->text = p->program;
	else if (is_name(name, len, "group_name"))
		ret->text = p->group;
	else if (!s->numbered)
		return false;
	else if (is_name(name, len, "process_num"))
		ret->num = p->process_num;
	else if (is_name(name, len, "numprocs"))
		ret->num = p->numprocs;
	else
		return false;
	return true;
}

static bool
lookup(void *arg, const char *name, size_t len, struct expand_value *ret)
{
	const struct confread_scope *s = arg;

	if (len > 4 && memcmp(name, "ENV_", 4) == 0)
		return lookup_variable(s, name + 4, len - 4, ret);
	if (is_name(name, len, "here"))
		ret->text = s->here;
	else if (is_name(name, len, "host_node_name"))
		ret->text = s->r->host->hostname;
	else
		return s->process != NULL && lookup_process(s, name, len, ret);
	return true;
}

const char *
confread_expand(const struct confread_entry *e,
    const struct confread_scope *scope, struct buf *out, struct buf *why)
{
	struct confread_scope s = *scope;

	if (strchr(e->value, '%') == NULL)
		return e->value;
	s.here = e->file->here;
	if (!expand(e->value, lookup, &s, CONF_LINE_MAX, out, why))
		return NULL;
	buf_addc(out, '\0');
	return buf_head(out);
}

/* Sections and keys, as confsyntax reports them. */

static struct confread_section *
section_new(struct confread *r, const char *name, const char *arg,
    const char *id, const struct confkey_kind *kind, unsigned line)
{
	struct confread_section *s = conf_arena_alloc(r->arena, sizeof *s);

	s->name = conf_arena_dup(r->arena, name);
	s->arg = conf_arena_dup(r->arena, arg);
	s->id = conf_arena_dup(r->arena, id);
	s->kind = kind;
	s->end = &s->entries;
	s->file = r->file;
	s->line = line;
	HASH_ADD_KEYPTR(hh, r->sections, s->id, strlen(s->id), s);
	if (kind->use == KIND_LATER)
		confread_say_section(r, s, true,
		    "not served yet; it has no effect");
	return s;
}

static void
say_unknown_section(struct confread *r, const char *name, unsigned line)
{
	struct buf b = BUF_INIT;

	if (is_muted(r, r->foreign)) {
		say(r, r->file, line, r->foreign, "");
		return;
	}
	buf_addf(&b, "section [%.*s]: no such section", SHOWN_MAX, name);
	confkey_suggest_kind(name, &b);
	if (r->foreign)
		buf_adds(&b, "; it has no effect");
	buf_addc(&b, '\0');
	say(r, r->file, line, r->foreign, b.data);
	buf_clear(&b);
}

static void
say_repeated_section(struct confread *r, const struct confread_section *s,
    const char *name, unsigned line)
{
	struct buf b = BUF_INIT;

	/* [mpsupd] beside [supervisord] is no mistake. */
	if (strcmp(name, s->name) != 0)
		return;
	if (is_muted(r, true)) {
		say(r, r->file, line, true, "");
		return;
	}
	buf_addf(&b, "section [%.*s]: also at %s:%u; of a repeated key the "
	    "last value counts", SHOWN_MAX, name, s->file->path, s->line);
	buf_addc(&b, '\0');
	say(r, r->file, line, true, b.data);
	buf_clear(&b);
}

/* "program" and " web " make "program:web"; both names of [mpsupd] the same. */
static char *
section_id(const struct confkey_kind *kind, const char *arg)
{
	size_t len;

	if (kind->sect == SECT_MAIN)
		return xstrdup("mpsupd");
	if (arg == NULL)
		return xstrdup(kind->name);
	arg += strspn(arg, " \t");
	len = strlen(arg);
	while (len > 0 && strchr(" \t", arg[len - 1]) != NULL)
		len--;
	return xasprintf("%s:%.*s", kind->name, (int)len, arg);
}

static bool
argument_fits(const struct confkey_kind *kind, const char *arg)
{
	if (kind->arg == ARG_NONE)
		return arg == NULL;
	return kind->arg == ARG_ALLOWED || arg != NULL;
}

/* Text that is no configuration at all is not read to its end. */
static void
check_mistakes(struct confread *r, unsigned line)
{
	if (r->msgs == NULL || r->stop || r->msgs->errors < MISTAKES_MAX)
		return;
	r->stop = true;
	say(r, r->file, line, false, "too many mistakes; read no further");
}

static void
on_section(void *arg, const char *name, unsigned line)
{
	struct confread *r = arg;
	const struct confkey_kind *kind;
	const char *sect_arg;
	char *id;

	r->section = NULL;
	if (name == NULL)
		return;
	kind = confkey_find_kind(name, &sect_arg);
	if (kind == NULL || !argument_fits(kind, sect_arg)) {
		say_unknown_section(r, name, line);
		check_mistakes(r, line);
		return;
	}
	if (kind->sect == SECT_INCLUDE && r->file != r->main) {
		say(r, r->file, line, true,
		    "section [include]: not followed in an included file");
		return;
	}
	id = section_id(kind, sect_arg);
	r->section = confread_section(r, id);
	if (r->section != NULL) {
		say_repeated_section(r, r->section, name, line);
	} else if (HASH_COUNT(r->sections) < SECTIONS_MAX) {
		r->section = section_new(r, name,
		    sect_arg == NULL ? NULL : strchr(id, ':') + 1, id, kind,
		    line);
	} else if (!r->full) {
		r->full = true;
		say(r, r->file, line, false, "there are too many sections");
	}
	free(id);
}

static void
say_key(struct confread *r, const char *key, unsigned line, bool warning,
    const char *text)
{
	if (r->msgs != NULL)
		conf_msg_add(r->msgs, warning, "%s:%u: section [%.*s]: %s: %s",
		    r->file->path, line, SHOWN_MAX, r->section->name, key,
		    text);
}

static void
say_unknown_key(struct confread *r, const char *key, unsigned line)
{
	struct buf b = BUF_INIT;

	if (is_muted(r, r->foreign)) {
		say_key(r, key, line, r->foreign, "");
		return;
	}
	buf_adds(&b, "no such key");
	confkey_suggest(r->section->kind->sect, key, &b);
	if (r->foreign)
		buf_adds(&b, "; it has no effect");
	buf_addc(&b, '\0');
	say_key(r, key, line, r->foreign, b.data);
	buf_clear(&b);
}

static void
say_repeated_key(struct confread *r, const struct confread_entry *e,
    unsigned line)
{
	struct buf b = BUF_INIT;

	if (is_muted(r, true)) {
		say_key(r, e->key->name, line, true, "");
		return;
	}
	buf_addf(&b, "written again; the value at %s:%u is dropped",
	    e->file->path, e->line);
	buf_addc(&b, '\0');
	say_key(r, e->key->name, line, true, b.data);
	buf_clear(&b);
}

static void
names_add(struct confread *r, const char *name)
{
	struct confread_name *n;

	HASH_FIND_STR(r->names, name, n);
	if (n != NULL)
		return;
	n = conf_arena_alloc(r->arena, sizeof *n);
	HASH_ADD_KEYPTR(hh, r->names, name, strlen(name), n);
}

static void
names_init(struct confread *r)
{
	const struct confkey *t;
	size_t i, n;

	t = confkey_table(&n);
	for (i = 0; i < n; i++) {
		names_add(r, t[i].name);
		if (t[i].alias != NULL)
			names_add(r, t[i].alias);
	}
}

static const struct confkey *
find_key(const struct confread *r, const char *name)
{
	struct confread_name *n = NULL;

	if (!r->peek)
		HASH_FIND_STR(r->names, name, n);
	return n == NULL && !r->peek ? NULL :
	    confkey_find(r->section->kind->sect, name);
}

static struct confread_entry *
entry_new(struct confread *r, struct confread_section *s,
    const struct confkey *k)
{
	struct confread_entry *e = conf_arena_alloc(r->arena, sizeof *e);

	e->key = k;
	*s->end = e;
	s->end = &e->next;
	return e;
}

static void
on_pair(void *arg, const char *key, const char *value, unsigned line)
{
	struct confread *r = arg;
	const struct confkey *k;
	struct confread_entry *e;

	if (r->section == NULL || r->section->kind->sect == SECT_OPAQUE)
		return;
	k = find_key(r, key);
	if (k == NULL) {
		say_unknown_key(r, key, line);
		check_mistakes(r, line);
		return;
	}
	if (k->flags & KF_LATER) {
		say_key(r, k->name, line, r->foreign, r->foreign ?
		    "not served by this version; it has no effect" :
		    "not served by this version");
		return;
	}
	e = confread_entry(r->section, k->name);
	if (e != NULL)
		say_repeated_key(r, e, line);
	else
		e = entry_new(r, r->section, k);
	e->value = conf_arena_dup(r->arena, value);
	e->section = r->section->name;
	e->file = r->file;
	e->line = line;
	e->said = conf_arena_alloc(r->arena, sizeof *e->said);
}

static void
on_problem(void *arg, unsigned line, bool warning, const char *text)
{
	struct confread *r = arg;

	say(r, r->file, line, warning, text);
	check_mistakes(r, line);
}

/* Files. */

static struct confread_file *
file_new(struct confread *r, const char *path)
{
	struct confread_file *f = conf_arena_alloc(r->arena, sizeof *f);
	const char *slash = strrchr(path, '/');

	f->path = conf_arena_dup(r->arena, path);
	if (slash == NULL)
		f->here = r->host->cwd;
	else if (slash == path)
		f->here = "/";
	else
		f->here = conf_arena_ndup(r->arena, path,
		    (size_t)(slash - path));
	HASH_ADD_KEYPTR(hh, r->files, f->path, strlen(f->path), f);
	return f;
}

static void
on_foreign_section(void *arg, const char *name, unsigned line)
{
	struct confread *r = arg;

	(void)line;
	if (name != NULL && strcmp(name, "supervisord") == 0)
		r->foreign = true;
}

/* A header, in the first column, of a section that may say where the daemon
 * is. */
static bool
is_daemon_header(const char *line, size_t len)
{
	static const char *const names[] = {
		"[mpsupd]", "[supervisord]", "[DEFAULT]", "[include]"};
	size_t i, n;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (len < 2 || line[1] != names[i][1])
			continue; /* thousands are [program:...] */
		n = strlen(names[i]);
		if (len >= n && memcmp(line, names[i], n) == 0)
			return true;
	}
	return false;
}

/* The next header in the first column at or behind AT, or LEN. */
static size_t
next_header(const char *data, size_t at, size_t len)
{
	const char *p;

	while (at < len && (p = memchr(data + at, '[', len - at)) != NULL) {
		at = (size_t)(p - data);
		if (at == 0 || p[-1] == '\n' || (at == 3 &&
		    memcmp(data, "\xef\xbb\xbf", 3) == 0)) /* a BOM */
			return at;
		at++;
	}
	return len;
}

/* Leaves only those sections: to reach a daemon of thousands of programs none
 * of them is read. */
static size_t
keep_daemon_sections(char *data, size_t len)
{
	size_t at = next_header(data, 0, len), to = 0, end;

	for (; at < len; at = end) {
		end = next_header(data, at + 1, len);
		if (!is_daemon_header(data + at, end - at))
			continue;
		memmove(data + to, data + at, end - at);
		to += end - at;
	}
	return to;
}

/* The text of PATH, which the caller frees, or NULL with a reason. */
static char *
file_text(struct confread *r, const char *path, size_t *ret_len, char **why)
{
	char *data = NULL;

	*why = NULL;
	if (r->host->read_file(r->host->arg, path, &data, ret_len, why) != 0)
		return NULL;
	if (r->peek)
		*ret_len = keep_daemon_sections(data, *ret_len);
	if (*ret_len <= CONF_FILE_MAX && *ret_len <= CONF_TOTAL_MAX - r->total)
		return data;
	free(data);
	*why = xstrdup("it is too large");
	return NULL;
}

/* Whether a file is foreign must be known before its keys are judged. */
static void
file_parse(struct confread *r, const char *path, const char *data, size_t len)
{
	static const struct confsyntax_handler look = {
		.section = on_foreign_section,
	};
	struct confsyntax_handler h = look;

	h.arg = r;
	if (r->main == NULL)
		confsyntax_parse(data, len, &h);
	r->file = file_new(r, path);
	if (r->main == NULL)
		r->main = r->file;
	r->section = NULL;
	r->total += len;
	h.section = on_section;
	h.pair = on_pair;
	h.problem = on_problem;
	h.stop = &r->stop;
	confsyntax_parse(data, len, &h);
}

void
confread_override(struct confread *r, struct confread_section *s,
    const char *name, const char *value, const char *path, unsigned line)
{
	struct confread_entry *e = confread_entry(s, name);
	struct confread_file *f;

	HASH_FIND_STR(r->files, path, f);
	if (f == NULL)
		f = file_new(r, path);
	if (e == NULL)
		e = entry_new(r, s, confkey_find(s->kind->sect, name));
	e->value = conf_arena_dup(r->arena, value);
	e->section = s->name;
	e->file = f;
	e->line = line;
	e->said = conf_arena_alloc(r->arena, sizeof *e->said);
}

static void
include_file(struct confread *r, const struct confread_entry *e,
    const char *path)
{
	struct confread_file *f;
	struct buf b = BUF_INIT;
	char *data, *why;
	size_t len;

	HASH_FIND_STR(r->files, path, f);
	if (f != NULL)
		return;
	data = file_text(r, path, &len, &why);
	if (data != NULL) {
		file_parse(r, path, data, len);
		free(data);
		return;
	}
	buf_addf(&b, "cannot read %s: %s", path, why);
	buf_addc(&b, '\0');
	confread_say_entry(r, e, false, b.data);
	buf_clear(&b);
	free(why);
}

static void
include_pattern(struct confread *r, const struct confread_entry *e,
    const char *pattern)
{
	struct conf_strs found = {0};
	struct buf b = BUF_INIT;
	char *path;
	size_t i;

	path = pattern[0] == '/' ? xstrdup(pattern) :
	    xasprintf("%s/%s", strcmp(r->main->here, "/") == 0 ? "" :
	    r->main->here, pattern);
	r->host->glob(r->host->arg, path, &found);
	/* An empty conf.d is no surprise in a file of ours. */
	if (found.n == 0 && (r->foreign || strpbrk(pattern, "*?[") == NULL)) {
		buf_adds(&b, "no file matches ");
		confvalue_quote(&b, pattern);
		buf_addc(&b, '\0');
		confread_say_entry(r, e, true, b.data);
		buf_clear(&b);
	}
	for (i = 0; i < found.n; i++) {
		include_file(r, e, found.v[i]);
		free(found.v[i]);
	}
	free(found.v);
	free(path);
}

static void
include_all(struct confread *r)
{
	struct confread_scope scope = {.r = r};
	struct confread_section *s = confread_section(r, "include");
	struct buf out = BUF_INIT, why = BUF_INIT;
	struct confread_entry *e;
	char *list, *word, *save = NULL;
	const char *text;

	if (s == NULL)
		return;
	e = confread_entry(s, "files");
	if (e == NULL) {
		confread_say_section(r, s, false, "the key files is missing");
		return;
	}
	text = confread_expand(e, &scope, &out, &why);
	if (text == NULL) {
		buf_addc(&why, '\0');
		confread_say_entry(r, e, false, why.data);
		buf_clear(&why);
		buf_clear(&out);
		return;
	}
	list = xstrdup(text);
	for (word = strtok_r(list, " \t\r\n", &save); word != NULL;
	    word = strtok_r(NULL, " \t\r\n", &save))
		include_pattern(r, e, word);
	free(list);
	buf_clear(&out);
}

/* [DEFAULT] gives its values to the sections that lack them. */
static void
section_defaults(struct confread *r, struct confread_section *s,
    const struct confread_section *defaults)
{
	const struct confread_entry *d;
	const struct confkey *k;
	struct confread_entry *e, *next;

	for (d = defaults->entries; d != NULL; d = d->next) {
		k = confkey_find(s->kind->sect, d->key->name);
		if (k == NULL || (k->flags & KF_LATER) != 0 ||
		    confread_entry(s, k->name) != NULL)
			continue;
		e = entry_new(r, s, k);
		next = e->next;
		*e = *d;
		e->next = next;
		e->key = k;
	}
}

static void
apply_defaults(struct confread *r)
{
	struct confread_section *d = confread_section(r, "DEFAULT"), *s;

	if (d == NULL)
		return;
	for (s = r->sections; s != NULL; s = s->hh.next)
		if (s != d && s->kind->sect != SECT_OPAQUE)
			section_defaults(r, s, d);
}

bool
confread_read(struct confread *r, const char *path)
{
	char *data, *why;
	size_t len;

	if (!r->peek) { /* tables pay off when there are many keys */
		read_environ(r);
		names_init(r);
	}
	if ((data = file_text(r, path, &len, &why)) == NULL) {
		if (r->msgs != NULL)
			conf_msg_add(r->msgs, false, "%s: cannot be read: %s",
			    path, why);
		free(why);
		return false;
	}
	file_parse(r, path, data, len);
	free(data);
	include_all(r);
	apply_defaults(r);
	return true;
}

void
confread_clear(struct confread *r)
{
	HASH_CLEAR(hh, r->files);
	HASH_CLEAR(hh, r->sections);
	HASH_CLEAR(hh, r->vars);
	HASH_CLEAR(hh, r->names);
}
