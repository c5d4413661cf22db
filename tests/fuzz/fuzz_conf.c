/*
 * Files of a configuration: what a stranger gives to `check` and `start`.
 *
 * The input is the main file; after each byte 0x1c comes one more,
 * /etc/conf.d/N.conf.  What is accepted must survive encoding, and its dump
 * must load to the same thing.
 */
#include <jansson.h>

#include "../unit/conf_fake.h"
#include "core/conf.h"
#include "fuzz.h"
#include "lib/buf.h"

#define NEXT_FILE 0x1c
#define NUMPROCS_MAX 30 /* more are slow and say nothing new */

static char *paths[FAKE_FILES] = {"/etc/m.conf", "/etc/conf.d/1.conf",
    "/etc/conf.d/2.conf", "/etc/conf.d/3.conf", "/etc/conf.d/4.conf"};

static struct fake fake;
static char *texts[FAKE_FILES];

static bool
is_slow(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	int n;

	while ((p = memmem(p, (size_t)(end - p), "numprocs", 8)) != NULL) {
		p += 8;
		while (p < end && (*p < '0' || *p > '9') && *p != '\n')
			p++;
		for (n = 0; p < end && *p >= '0' && *p <= '9'; p++)
			if ((n = n * 10 + (*p - '0')) > NUMPROCS_MAX)
				return true;
	}
	return false;
}

static void
split_files(const uint8_t *data, size_t size)
{
	size_t i, len;
	const uint8_t *sep;

	fake_init(&fake, "");
	for (i = 0; paths[i] != NULL; i++) {
		sep = size > 0 ? memchr(data, NEXT_FILE, size) : NULL;
		len = sep == NULL ? size : (size_t)(sep - data);
		texts[i] = xstrndup((const char *)data, len);
		fake.files[i].path = paths[i];
		fake.files[i].text = texts[i];
		fake.files[i].len = len;
		if (sep == NULL)
			break;
		data += len + 1;
		size -= len + 1;
	}
}

static void
forget_files(void)
{
	size_t i;

	for (i = 0; i < FAKE_FILES; i++) {
		free(texts[i]);
		texts[i] = NULL;
	}
}

/* Messages go to a terminal: each is one line of text. */
static void
check_messages(struct conf_msgs *msgs)
{
	const unsigned char *s;
	size_t i;

	for (i = 0; i < msgs->n; i++)
		for (s = (const unsigned char *)msgs->v[i].text; *s != '\0';
		    s++)
			FUZZ_CHECK(*s >= 0x20 && *s != 0x7f);
	conf_msgs_clear(msgs);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return buf_len(a) == buf_len(b) && (buf_len(a) == 0 ||
	    memcmp(buf_head(a), buf_head(b), buf_len(a)) == 0);
}

static void
check_codec(const struct config *c)
{
	struct buf first = BUF_INIT, again = BUF_INIT;
	struct config *d;

	config_encode(c, &first);
	d = config_decode(buf_head(&first), buf_len(&first));
	FUZZ_CHECK(d != NULL);
	config_encode(d, &again);
	FUZZ_CHECK(same(&first, &again));
	config_free(d);
	buf_clear(&first);
	buf_clear(&again);
}

static void
check_json(const struct config *c)
{
	struct buf text = BUF_INIT;
	json_error_t err;
	json_t *root;

	config_dump_json(c, &text);
	FUZZ_CHECK(memchr(buf_head(&text), '\n', buf_len(&text)) == NULL);
	root = json_loadb(buf_head(&text), buf_len(&text), 0, &err);
	FUZZ_CHECK(root != NULL);
	FUZZ_CHECK(json_array_size(json_object_get(root, "processes")) ==
	    c->nprocs);
	json_decref(root);
	buf_clear(&text);
}

/* What a dump cannot keep: how many processes a section made, and where. */
static void
forget_sections(struct config *c)
{
	size_t i;

	c->main.file = NULL;
	for (i = 0; i < c->nprocs; i++) {
		c->procs[i].program = c->procs[i].name;
		c->procs[i].numprocs = 1;
		c->procs[i].numprocs_start = c->procs[i].process_num;
	}
}

static void
check_ini(struct config *c)
{
	struct buf text = BUF_INIT, bytes = BUF_INIT, again = BUF_INIT;
	struct conf_msgs msgs = {0};
	struct config *d = NULL;

	config_dump_ini(c, &text);
	buf_addc(&text, '\0');
	forget_files();
	fake_init(&fake, buf_head(&text));
	if (config_load("/etc/m.conf", &fake.host, &d, &msgs) != 0) {
		fprintf(stderr, "%s\n%s\n", msgs.v[0].text, text.data);
		abort();
	}
	check_messages(&msgs);
	forget_sections(c);
	forget_sections(d);
	config_encode(c, &bytes);
	config_encode(d, &again);
	if (!same(&bytes, &again))
		fprintf(stderr, "the dump loads to something else:\n%s\n",
		    text.data);
	FUZZ_CHECK(same(&bytes, &again));
	config_free(d);
	buf_clear(&text);
	buf_clear(&bytes);
	buf_clear(&again);
}

/* A client finds the daemon of any file; of a good one, where it is. */
static void
check_peek(const struct config *c)
{
	struct config *peek = config_peek("/etc/m.conf", &fake.host);

	FUZZ_CHECK(peek != NULL && peek->main.socket != NULL &&
	    peek->main.pidfile != NULL && peek->main.rundir != NULL);
	if (c != NULL)
		FUZZ_CHECK(strcmp(peek->main.socket, c->main.socket) == 0);
	config_free(peek);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_msgs msgs = {0};
	struct config *c = NULL;
	int r;

	if (is_slow((const char *)data, size))
		return 0;
	split_files(data, size);
	r = config_load("/etc/m.conf", &fake.host, &c, &msgs);
	FUZZ_CHECK((r == 0) == (msgs.errors == 0));
	check_messages(&msgs);
	check_peek(c);
	if (r == 0) {
		check_codec(c);
		check_json(c);
		check_ini(c);
		config_free(c);
	}
	forget_files();
	return 0;
}
