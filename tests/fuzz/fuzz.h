/*
 * What the fuzz targets share.  A target is one fuzz_*.c: libFuzzer calls
 * LLVMFuzzerTestOneInput() with bytes it makes up; replay.c, in a build
 * without clang, with the files of corpus/ and crashes/.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true whatever the input is. */
#define FUZZ_CHECK(x)                                                   \
	do {                                                            \
		if (!(x)) {                                             \
			fprintf(stderr, "%s:%d: not true: %s\n",        \
			    __FILE__, __LINE__, #x);                    \
			abort();                                        \
		}                                                       \
	} while (0)

/* An input, eaten from its front. */
struct fuzz_input {
	const uint8_t *p;
	size_t left;
};

/* The next byte, 0 at the end. */
static inline uint8_t
fuzz_byte(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

/* A number below N (at most 65536) of two bytes. */
static inline size_t
fuzz_below(struct fuzz_input *in, size_t n)
{
	size_t v = fuzz_byte(in);

	return (v << 8 | fuzz_byte(in)) % n;
}

/* At most MAX bytes; *RET_LEN of them, borrowed. */
static inline const uint8_t *
fuzz_bytes(struct fuzz_input *in, size_t max, size_t *ret_len)
{
	const uint8_t *p = in->p;

	*ret_len = in->left < max ? in->left : max;
	in->p += *ret_len;
	in->left -= *ret_len;
	return p;
}

#endif
