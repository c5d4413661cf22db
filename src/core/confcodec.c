/* Bytes of configurations, comparison and hashes; see confcodec.h. */
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "core/conf.h"
#include "core/confarena.h"
#include "core/confcodec.h"
#include "core/confvalue.h"
#include "core/stopplan.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAGIC "mpc1"
#define FIELDS_MAX 256
#define DECODE_PROCESS_MAX (4 * CONF_PROCESS_MAX)

/* What a field is for the codec: storage of keys, and two more. */
enum kind {
	KIND_SLOT = STORE_ACL + 1,
	KIND_U64,
	KINDS
};

struct field {
	const char *name;
	unsigned kind; /* enum confvalue_storage or enum kind */
	size_t offset;
	const struct confkey *key; /* NULL: not a key */
};

#define M(name, kind) {"." #name, kind, offsetof(struct conf_main, name), NULL}
#define P(name, kind) \
	{"." #name, kind, offsetof(struct conf_process, name), NULL}

static const struct field main_extra[] = {
	M(file, STORE_STR),
	M(cwd, STORE_STR),
	M(foreign, STORE_BOOL),
	M(serverurl, STORE_STR),
};

static const struct field process_extra[] = {
	P(group, STORE_STR),
	P(program, STORE_STR),
	P(process_num, STORE_INT),
	P(group_priority, STORE_INT),
	P(restart_policy, STORE_BOOL),
	P(file_environment, STORE_STRS),
	P(restart_hash, KIND_U64),
	P(slot, KIND_SLOT),
	P(leaving, STORE_BOOL),
	P(disabled, STORE_BOOL),
	P(enabled_run, STORE_INT),
	P(stopped, STORE_BOOL),
	P(transient, KIND_U64),
	P(run_rm, STORE_BOOL),
	P(run_bound, STORE_BOOL),
	P(run_stdin, STORE_BOOL),
	P(run_stdin_open, STORE_BOOL),
};

#undef M
#undef P

/* The fields of one struct. */
struct fields {
	struct field v[FIELDS_MAX];
	size_t n;
};

static void
fields_init(struct fields *f, enum confkey_section sect)
{
	const struct field *extra =
	    sect == SECT_MAIN ? main_extra : process_extra;
	size_t i, n, nextra = sect == SECT_MAIN ? COUNT(main_extra) :
						  COUNT(process_extra);
	const struct confkey *t = confkey_table(&n);

	for (f->n = 0; f->n < nextra; f->n++)
		f->v[f->n] = extra[f->n];
	for (i = 0; i < n; i++) {
		if ((t[i].sections & sect) == 0 || !confkey_is_kept(&t[i]))
			continue;
		f->v[f->n].name = t[i].name;
		f->v[f->n].kind = confvalue_storage(t[i].type);
		f->v[f->n].offset = t[i].offset;
		f->v[f->n++].key = &t[i];
	}
}

static const void *
at(const struct field *f, const void *base)
{
	return (const char *)base + f->offset;
}

/* Comparison. */

static bool
strs_equal(const struct conf_strs *a, const struct conf_strs *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static bool
ids_equal(const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
{
	return na == nb && (na == 0 || memcmp(a, b, na * sizeof *a) == 0);
}

static bool
user_equal(const struct conf_user *a, const struct conf_user *b)
{
	return str_equal(a->name, b->name) && a->uid == b->uid &&
	    a->gid == b->gid && a->known == b->known &&
	    ids_equal(a->groups, a->ngroups, b->groups, b->ngroups) &&
	    str_equal(a->home, b->home) && str_equal(a->shell, b->shell) &&
	    str_equal(a->login, b->login);
}

static bool
acl_equal(const struct conf_acl *a, const struct conf_acl *b)
{
	return str_equal(a->text, b->text) &&
	    ids_equal(a->uids, a->nuids, b->uids, b->nuids) &&
	    ids_equal(a->gids, a->ngids, b->gids, b->ngids);
}

static bool
log_equal(const struct conf_log *a, const struct conf_log *b)
{
	return a->automatic == b->automatic && str_equal(a->file, b->file);
}

static bool
field_equal(const struct field *f, const void *base_a, const void *base_b)
{
	const void *a = at(f, base_a), *b = at(f, base_b);

	switch (f->kind) {
	case STORE_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case STORE_INT:
	case KIND_U64:
		return *(const int64_t *)a == *(const int64_t *)b;
	case KIND_SLOT:
		return *(const int32_t *)a == *(const int32_t *)b;
	case STORE_LIMIT:
		return memcmp(a, b, 2 * sizeof(int64_t)) == 0;
	case STORE_STR:
		return str_equal(*(char *const *)a, *(char *const *)b);
	case STORE_STRS:
		return strs_equal(a, b);
	case STORE_LOG:
		return log_equal(a, b);
	case STORE_USER:
		return user_equal(a, b);
	case STORE_ACL:
		return acl_equal(a, b);
	}
	return false;
}

/* True if the stream goes through a pipe of ours. */
static bool
is_captured(const struct conf_process *p, enum conf_stream s)
{
	return p->log[s].file != NULL || p->log[s].to_syslog;
}

/* True if K says where stream S goes. */
static bool
is_sink_of(const struct confkey *k, enum conf_stream s)
{
	size_t log = offsetof(struct conf_process, log) +
	    s * sizeof(struct conf_log);

	return k->offset == log + offsetof(struct conf_log, file) ||
	    k->offset == log + offsetof(struct conf_log, to_syslog);
}

/* K names a file that says something else now. */
static bool
is_reread(const struct confkey *k, const struct conf_process *a,
    const struct conf_process *b)
{
	return k->offset == offsetof(struct conf_process, env_file) &&
	    !strs_equal(&a->file_environment, &b->file_environment);
}

static bool
process_needs_restart(const struct confkey *k, const struct conf_process *a,
    const struct conf_process *b)
{
	unsigned s;

	for (s = 0; s < CONF_STREAMS; s++)
		if (is_sink_of(k, s) && is_captured(a, s) != is_captured(b, s))
			return true;
	return (k->flags & KF_RESTART) != 0 || is_reread(k, a, b);
}

size_t
conf_process_diff(const struct conf_process *a, const struct conf_process *b,
    void (*fn)(void *arg, const char *key, bool needs_restart), void *arg)
{
	struct fields f;
	size_t i, n = 0;

	fields_init(&f, SECT_PROGRAM);
	for (i = 0; i < f.n; i++) {
		const struct confkey *k = f.v[i].key;

		if (k == NULL || (k->flags & KF_EXPAND) != 0 ||
		    (field_equal(&f.v[i], a, b) && !is_reread(k, a, b)))
			continue;
		n++;
		if (fn != NULL)
			fn(arg, k->name, process_needs_restart(k, a, b));
	}
	return n;
}

size_t
conf_main_diff(const struct conf_main *a, const struct conf_main *b,
    void (*fn)(void *arg, const char *key, bool needs_restart), void *arg)
{
	struct fields f;
	size_t i, n = 0;

	fields_init(&f, SECT_MAIN);
	for (i = 0; i < f.n; i++) {
		const struct confkey *k = f.v[i].key;

		if (k == NULL || field_equal(&f.v[i], a, b))
			continue;
		n++;
		if (fn != NULL)
			fn(arg, k->name, (k->flags & KF_RESTART) != 0);
	}
	return n;
}

/* Hashes. */

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t
fnv(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (; len > 0; len--)
		h = (h ^ *p++) * FNV_PRIME;
	return h;
}

/* Writing. */

struct string {
	size_t id; /* from 1 */
	const char *text;
	UT_hash_handle hh;
};

struct writer {
	struct buf *out;
	struct string *strings; /* NULL with INLINE_STRINGS */
	struct conf_arena *arena;
	bool inline_strings; /* for a hash: the text itself */
};

static void
put_uint(struct writer *w, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_addc(w->out, (char)(n | 0x80));
	buf_addc(w->out, (char)n);
}

static void
put_int(struct writer *w, int64_t n)
{
	put_uint(w, ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0));
}

static size_t
string_id(struct writer *w, const char *text)
{
	struct string *s;

	HASH_FIND_STR(w->strings, text, s);
	if (s == NULL) {
		s = conf_arena_alloc(w->arena, sizeof *s);
		s->text = text;
		s->id = HASH_COUNT(w->strings) + 1;
		HASH_ADD_KEYPTR(hh, w->strings, text, strlen(text), s);
	}
	return s->id;
}

static void
put_str(struct writer *w, const char *text)
{
	if (text == NULL) {
		put_uint(w, 0);
	} else if (w->inline_strings) {
		put_uint(w, strlen(text) + 1);
		buf_adds(w->out, text);
	} else {
		put_uint(w, string_id(w, text));
	}
}

static void
put_strs(struct writer *w, const struct conf_strs *s)
{
	size_t i;

	put_uint(w, s->n);
	for (i = 0; i < s->n; i++)
		put_str(w, s->v[i]);
}

static void
put_ids(struct writer *w, const uint32_t *ids, size_t n)
{
	size_t i;

	put_uint(w, n);
	for (i = 0; i < n; i++)
		put_uint(w, ids[i]);
}

static void
put_user(struct writer *w, const struct conf_user *u)
{
	put_str(w, u->name);
	put_uint(w, u->known);
	put_uint(w, u->uid);
	put_uint(w, u->gid);
	put_ids(w, u->groups, u->ngroups);
	put_str(w, u->home);
	put_str(w, u->shell);
	put_str(w, u->login);
}

static void
put_acl(struct writer *w, const struct conf_acl *a)
{
	put_str(w, a->text);
	put_ids(w, a->uids, a->nuids);
	put_ids(w, a->gids, a->ngids);
}

static void
put_field(struct writer *w, const struct field *f, const void *base)
{
	const void *p = at(f, base);

	switch (f->kind) {
	case STORE_BOOL:
		put_uint(w, *(const bool *)p);
		break;
	case STORE_INT:
		put_int(w, *(const int64_t *)p);
		break;
	case STORE_LIMIT:
		put_int(w, ((const int64_t *)p)[0]);
		put_int(w, ((const int64_t *)p)[1]);
		break;
	case STORE_STR:
		put_str(w, *(char *const *)p);
		break;
	case STORE_STRS:
		put_strs(w, p);
		break;
	case STORE_LOG:
		put_str(w, ((const struct conf_log *)p)->file);
		put_uint(w, ((const struct conf_log *)p)->automatic);
		break;
	case STORE_USER:
		put_user(w, p);
		break;
	case STORE_ACL:
		put_acl(w, p);
		break;
	case KIND_SLOT:
		put_int(w, *(const int32_t *)p);
		break;
	case KIND_U64:
		put_uint(w, *(const uint64_t *)p);
		break;
	}
}

static void
put_record(struct writer *w, const struct fields *f, const void *base,
    const void *defaults)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (field_equal(&f->v[i], base, defaults))
			continue;
		put_uint(w, i + 1);
		put_field(w, &f->v[i], base);
	}
	put_uint(w, 0);
}

static void
put_field_names(struct writer *w, const struct fields *f)
{
	size_t i;

	put_uint(w, f->n);
	for (i = 0; i < f->n; i++)
		put_str(w, f->v[i].name);
}

/* Everything but the list of strings, which is complete only then. */
static void
put_body(struct writer *w, const struct config *c)
{
	struct fields f;
	struct conf_main m;
	struct conf_process p;
	size_t i;

	fields_init(&f, SECT_MAIN);
	confvalue_defaults(SECT_MAIN, &m, w->arena);
	put_field_names(w, &f);
	put_record(w, &f, &c->main, &m);
	fields_init(&f, SECT_PROGRAM);
	confvalue_defaults(SECT_PROGRAM, &p, w->arena);
	put_field_names(w, &f);
	put_uint(w, c->nprocs);
	for (i = 0; i < c->nprocs; i++)
		put_record(w, &f, &c->procs[i], &p);
}

void
config_encode(const struct config *c, struct buf *out)
{
	struct buf body = BUF_INIT;
	struct writer w = {.out = &body, .arena = conf_arena_new()};
	size_t before = buf_len(out), i;
	struct string *s;
	uint64_t sum;

	put_body(&w, c);
	w.out = out;
	buf_adds(out, MAGIC);
	put_uint(&w, HASH_COUNT(w.strings));
	for (s = w.strings; s != NULL; s = s->hh.next) {
		put_uint(&w, strlen(s->text));
		buf_adds(out, s->text);
	}
	buf_add(out, buf_head(&body), buf_len(&body));
	sum = fnv(FNV_OFFSET, buf_head(out) + before, buf_len(out) - before);
	for (i = 0; i < 8; i++)
		buf_addc(out, (char)(sum >> (8 * i)));
	HASH_CLEAR(hh, w.strings);
	conf_arena_free(w.arena);
	buf_clear(&body);
}

uint64_t
confcodec_restart_hash(const struct conf_main *m,
    const struct conf_process *p)
{
	struct buf text = BUF_INIT;
	struct writer w = {.out = &text, .inline_strings = true};
	struct conf_arena *arena = conf_arena_new();
	struct conf_process defaults;
	struct fields f;
	size_t i;
	uint64_t h;

	/* What has its default counts for nothing, so that a later version
	 * with more keys finds programs as they should be. */
	confvalue_defaults(SECT_PROGRAM, &defaults, arena);
	fields_init(&f, SECT_PROGRAM);
	for (i = 0; i < f.n; i++) {
		if (f.v[i].key == NULL ||
		    (f.v[i].key->flags & KF_RESTART) == 0 ||
		    field_equal(&f.v[i], p, &defaults))
			continue;
		put_str(&w, f.v[i].name);
		put_field(&w, &f.v[i], p);
	}
	for (i = 0; i < CONF_STREAMS; i++)
		put_uint(&w, is_captured(p, i));
	if (p->file_environment.n > 0) {
		put_str(&w, "env_file");
		put_strs(&w, &p->file_environment);
	}
	put_strs(&w, &m->environment);
	if (p->serverurl == NULL)
		put_str(&w, m->serverurl);
	/* HOME and its like follow the user in files of our own only. */
	if (p->user.name != NULL)
		put_uint(&w, m->foreign);
	h = fnv(FNV_OFFSET, buf_head(&text), buf_len(&text));
	buf_clear(&text);
	conf_arena_free(arena);
	return h;
}

/* Reading.  Each get_ function is false when the bytes are not that. */

struct reader {
	const unsigned char *p, *end;
	struct conf_arena *arena;
	char **strings;
	size_t nstrings;
};

static bool
get_uint(struct reader *r, uint64_t *ret)
{
	uint64_t n = 0;
	unsigned shift;

	for (shift = 0; shift < 64 && r->p < r->end; shift += 7) {
		n |= (uint64_t)(*r->p & 0x7f) << shift;
		if ((*r->p++ & 0x80) == 0) {
			*ret = n;
			return shift < 63 || r->p[-1] <= 1;
		}
	}
	return false;
}

static bool
get_int(struct reader *r, int64_t *ret)
{
	uint64_t n;

	if (!get_uint(r, &n))
		return false;
	*ret = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
	return true;
}

static bool
get_bool(struct reader *r, bool *ret)
{
	uint64_t n;

	if (!get_uint(r, &n) || n > 1)
		return false;
	*ret = n == 1;
	return true;
}

/* A count of things that take at least one byte each. */
static bool
get_count(struct reader *r, size_t *ret)
{
	uint64_t n;

	if (!get_uint(r, &n) || n > (size_t)(r->end - r->p))
		return false;
	*ret = (size_t)n;
	return true;
}

static bool
get_str(struct reader *r, char **ret)
{
	uint64_t n;

	if (!get_uint(r, &n) || n > r->nstrings)
		return false;
	*ret = n == 0 ? NULL : r->strings[n - 1];
	return true;
}

static bool
get_strs(struct reader *r, struct conf_strs *ret)
{
	size_t i;

	if (!get_count(r, &ret->n))
		return false;
	ret->v = conf_arena_calloc(r->arena, ret->n + 1, sizeof *ret->v);
	for (i = 0; i < ret->n; i++)
		if (!get_str(r, &ret->v[i]) || ret->v[i] == NULL)
			return false;
	return true;
}

static bool
get_id(struct reader *r, uint32_t *ret)
{
	uint64_t n;

	if (!get_uint(r, &n) || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static bool
get_ids(struct reader *r, uint32_t **ret, size_t *ret_n)
{
	size_t i;

	if (!get_count(r, ret_n))
		return false;
	*ret = conf_arena_calloc(r->arena, *ret_n, sizeof **ret);
	for (i = 0; i < *ret_n; i++)
		if (!get_id(r, &(*ret)[i]))
			return false;
	return true;
}

static bool
get_user(struct reader *r, struct conf_user *u)
{
	return get_str(r, &u->name) && get_bool(r, &u->known) &&
	    get_id(r, &u->uid) && get_id(r, &u->gid) &&
	    get_ids(r, &u->groups, &u->ngroups) && get_str(r, &u->home) &&
	    get_str(r, &u->shell) && get_str(r, &u->login);
}

static bool
get_acl(struct reader *r, struct conf_acl *a)
{
	return get_str(r, &a->text) && get_ids(r, &a->uids, &a->nuids) &&
	    get_ids(r, &a->gids, &a->ngids);
}

/* A number that its key could have. */
static bool
get_key_int(struct reader *r, const struct field *f, int64_t *ret)
{
	if (!get_int(r, ret))
		return false;
	return f->key == NULL || (*ret == -1 && f->key->def == NULL) ||
	    (*ret >= f->key->min && *ret <= f->key->max);
}

/* The place of a process on the board, -1: none yet. */
static bool
get_slot(struct reader *r, int32_t *ret)
{
	int64_t n;

	if (!get_int(r, &n) || n < -1 || n >= CONF_PROCESS_MAX)
		return false;
	*ret = (int32_t)n;
	return true;
}

static bool
get_field(struct reader *r, const struct field *f, void *base)
{
	void *p = (char *)base + f->offset;
	struct conf_log *log = p;
	int64_t *limit = p;

	switch (f->kind) {
	case STORE_BOOL:
		return get_bool(r, p);
	case STORE_INT:
		return get_key_int(r, f, p);
	case STORE_LIMIT:
		return get_key_int(r, f, limit) && get_int(r, &limit[1]) &&
		    limit[1] >= 0;
	case STORE_STR:
		return get_str(r, p);
	case STORE_STRS:
		return get_strs(r, p);
	case STORE_LOG:
		return get_str(r, &log->file) && get_bool(r, &log->automatic);
	case STORE_USER:
		return get_user(r, p);
	case STORE_ACL:
		return get_acl(r, p);
	case KIND_SLOT:
		return get_slot(r, p);
	case KIND_U64:
		return get_uint(r, p);
	}
	return false;
}

/* Copies all strings in one go; they point into that copy. */
static bool
get_strings(struct reader *r)
{
	size_t i, len, left;
	char *text;

	if (!get_count(r, &r->nstrings))
		return false;
	r->strings = xcalloc(r->nstrings, sizeof *r->strings);
	left = (size_t)(r->end - r->p);
	text = conf_arena_alloc(r->arena, left);
	for (i = 0; i < r->nstrings; i++) {
		/* Its length takes a byte: there is room for the NUL. */
		if (!get_count(r, &len) || memchr(r->p, '\0', len) != NULL)
			return false;
		memcpy(text, r->p, len);
		r->p += len;
		r->strings[i] = text;
		text += len + 1;
	}
	return true;
}

/* The fields the writer numbered 1..n, found by name. */
static bool
get_field_names(struct reader *r, enum confkey_section sect,
    struct fields *ret)
{
	struct fields known;
	size_t n, i, k;
	char *name;

	fields_init(&known, sect);
	if (!get_count(r, &n) || n > FIELDS_MAX)
		return false;
	for (i = 0; i < n; i++) {
		if (!get_str(r, &name) || name == NULL)
			return false;
		for (k = 0; k < known.n; k++)
			if (strcmp(known.v[k].name, name) == 0)
				break;
		if (k == known.n)
			return false;
		ret->v[i] = known.v[k];
	}
	ret->n = n;
	return true;
}

static bool
get_record(struct reader *r, const struct fields *f, void *base)
{
	uint64_t n;

	while (get_uint(r, &n)) {
		if (n == 0)
			return true;
		if (n > f->n || !get_field(r, &f->v[n - 1], base))
			return false;
	}
	return false;
}

static bool
main_is_whole(const struct conf_main *m)
{
	return m->cwd != NULL && m->rundir != NULL && m->statedir != NULL &&
	    m->logdir != NULL && m->socket != NULL && m->pidfile != NULL &&
	    m->identifier != NULL;
}

static bool
process_is_whole(struct conf_process *p)
{
	struct stopplan plan;

	return p->name != NULL && p->group != NULL && p->program != NULL &&
	    p->command.n > 0 && confvalue_set_expected(p) && stopplan_of(p, &plan);
}

static bool
get_processes(struct reader *r, struct config *c)
{
	struct fields f;
	struct conf_process defaults;
	size_t i, n;

	if (!get_field_names(r, SECT_PROGRAM, &f) || !get_count(r, &n) ||
	    n > DECODE_PROCESS_MAX)
		return false;
	confvalue_defaults(SECT_PROGRAM, &defaults, r->arena);
	c->procs = conf_arena_calloc(r->arena, n, sizeof *c->procs);
	for (i = 0; i < n; i++) {
		c->procs[i] = defaults;
		if (!get_record(r, &f, &c->procs[i]) ||
		    !process_is_whole(&c->procs[i]))
			return false;
	}
	c->nprocs = n;
	return true;
}

static bool
get_config(struct reader *r, struct config *c)
{
	struct fields f;

	confvalue_defaults(SECT_MAIN, &c->main, r->arena);
	return get_strings(r) && get_field_names(r, SECT_MAIN, &f) &&
	    get_record(r, &f, &c->main) && main_is_whole(&c->main) &&
	    get_processes(r, c) && r->p == r->end;
}

static bool
sum_matches(const unsigned char *p, size_t len)
{
	uint64_t sum = fnv(FNV_OFFSET, p, len);
	size_t i;

	for (i = 0; i < 8; i++)
		if (p[len + i] != (unsigned char)(sum >> (8 * i)))
			return false;
	return true;
}

struct config *
config_decode(const void *data, size_t len)
{
	const size_t head = sizeof MAGIC - 1;
	struct reader r = {.p = data};
	struct config *c;
	bool ok;

	if (len < head + 8 || memcmp(data, MAGIC, head) != 0 ||
	    !sum_matches(data, len - 8))
		return NULL;
	r.end = r.p + len - 8;
	r.p += head;
	c = xcalloc(1, sizeof *c);
	c->arena = r.arena = conf_arena_new();
	ok = get_config(&r, c);
	free(r.strings);
	if (!ok) {
		config_free(c);
		return NULL;
	}
	return c;
}
