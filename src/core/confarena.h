/*
 * Storage that is freed as a whole: the strings and lists of one struct
 * config, or of one run of the loader.
 */
#ifndef CORE_CONFARENA_H
#define CORE_CONFARENA_H

#include <stddef.h>

struct conf_arena;
struct conf_strs;

/* An empty arena; conf_arena_free() frees it with all it gave out. */
struct conf_arena *conf_arena_new(void);

/* Frees A and everything in it; NULL is fine. */
void conf_arena_free(struct conf_arena *a);

/* LEN zeroed bytes, aligned for any type; they live as long as A. */
void *conf_arena_alloc(struct conf_arena *a, size_t len);

/* N zeroed objects of SIZE bytes; the product is checked. */
void *conf_arena_calloc(struct conf_arena *a, size_t n, size_t size);

/* A NUL-terminated copy of the LEN bytes at S, or of the string S (NULL
 * gives NULL). */
char *conf_arena_ndup(struct conf_arena *a, const char *s, size_t len);
char *conf_arena_dup(struct conf_arena *a, const char *s);

/* Makes RET a list of the N strings that stand one after another, each with
 * its NUL, at WORDS. */
void conf_arena_strs(struct conf_arena *a, const char *words, size_t n,
    struct conf_strs *ret);

/* Bytes given out so far. */
size_t conf_arena_bytes(const struct conf_arena *a);

#endif
