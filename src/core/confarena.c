/* Storage that is freed as a whole; see confarena.h. */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf.h"
#include "core/confarena.h"
#include "lib/xalloc.h"

#define CHUNK_MIN 4096
#define CHUNK_MAX (256 * 1024)

struct chunk {
	struct chunk *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

struct conf_arena {
	struct chunk *chunks; /* the first one has the room */
	size_t bytes;
	size_t next_size;
};

struct conf_arena *
conf_arena_new(void)
{
	struct conf_arena *a = xcalloc(1, sizeof *a);

	a->next_size = CHUNK_MIN;
	return a;
}

void
conf_arena_free(struct conf_arena *a)
{
	struct chunk *c;

	if (a == NULL)
		return;
	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		free(c);
	}
	free(a);
}

static struct chunk *
chunk_new(size_t size)
{
	struct chunk *c = xmalloc(sizeof *c + size);

	c->used = 0;
	c->size = size;
	c->next = NULL;
	return c;
}

/* A large object gets a chunk of its own, behind the one with the room. */
static void *
arena_large(struct conf_arena *a, size_t len)
{
	struct chunk *c = chunk_new(len);

	c->used = len;
	if (a->chunks == NULL) {
		a->chunks = c;
	} else {
		c->next = a->chunks->next;
		a->chunks->next = c;
	}
	return c->data;
}

static void *
arena_get(struct conf_arena *a, size_t len, size_t align)
{
	struct chunk *c = a->chunks;
	size_t at = c == NULL ? 0 : (c->used + align - 1) & ~(align - 1);

	a->bytes += len;
	if (c == NULL || at > c->size || c->size - at < len) {
		if (len > CHUNK_MIN / 2)
			return arena_large(a, len);
		c = chunk_new(a->next_size);
		if (a->next_size < CHUNK_MAX)
			a->next_size *= 2;
		c->next = a->chunks;
		a->chunks = c;
		at = 0;
	}
	c->used = at + len;
	return c->data + at;
}

void *
conf_arena_alloc(struct conf_arena *a, size_t len)
{
	return memset(arena_get(a, len, alignof(max_align_t)), 0, len);
}

void *
conf_arena_calloc(struct conf_arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / 2 / size)
		return xcalloc(n, size); /* ends with the right message */
	return conf_arena_alloc(a, n * size);
}

char *
conf_arena_ndup(struct conf_arena *a, const char *s, size_t len)
{
	char *p = arena_get(a, len + 1, 1);

	if (len > 0)
		memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *
conf_arena_dup(struct conf_arena *a, const char *s)
{
	return s == NULL ? NULL : conf_arena_ndup(a, s, strlen(s));
}

void
conf_arena_strs(struct conf_arena *a, const char *words, size_t n,
    struct conf_strs *ret)
{
	size_t i, len;

	ret->v = conf_arena_calloc(a, n + 1, sizeof *ret->v);
	ret->n = n;
	for (i = 0; i < n; i++) {
		len = strlen(words);
		ret->v[i] = conf_arena_ndup(a, words, len);
		words += len + 1;
	}
}

size_t
conf_arena_bytes(const struct conf_arena *a)
{
	return a->bytes;
}
