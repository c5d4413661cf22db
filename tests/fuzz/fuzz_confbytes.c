/*
 * The encoded configuration as a supervisor finds it: hostile bytes behind a
 * good checksum.  What is decoded encodes to bytes that decode to the same,
 * and can be dumped.
 *
 * The first byte says whether the checksum is made good.
 */
#include "core/conf.h"
#include "fuzz.h"
#include "lib/buf.h"

/* FNV-1a 64, see confcodec.h. */
static void
add_sum(struct buf *b)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t i, n = buf_len(b);

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)buf_head(b)[i]) *
		    UINT64_C(0x100000001b3);
	for (i = 0; i < 8; i++)
		buf_addc(b, (char)(h >> (8 * i)));
}

static void
check_again(const struct config *c)
{
	struct buf first = BUF_INIT, again = BUF_INIT;
	struct config *d;

	config_encode(c, &first);
	d = config_decode(buf_head(&first), buf_len(&first));
	FUZZ_CHECK(d != NULL);
	config_encode(d, &again);
	FUZZ_CHECK(buf_len(&first) == buf_len(&again) &&
	    memcmp(buf_head(&first), buf_head(&again), buf_len(&first)) == 0);
	config_free(d);
	buf_clear(&first);
	buf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct buf b = BUF_INIT, text = BUF_INIT;
	bool good = fuzz_byte(&in) != 0;
	struct config *c;
	size_t i;

	buf_adds(&b, good ? "mpc1" : "");
	buf_add(&b, in.p, in.left);
	if (good)
		add_sum(&b);
	buf_addc(&b, '\0'); /* data may be NULL */
	c = config_decode(buf_head(&b), buf_len(&b) - 1);
	if (c != NULL) {
		for (i = 0; i < c->nprocs; i++)
			FUZZ_CHECK(c->procs[i].slot >= -1 &&
			    c->procs[i].slot < CONF_PROCESS_MAX);
		config_dump_json(c, &text);
		config_dump_ini(c, &text);
		check_again(c);
		config_free(c);
	}
	buf_clear(&b);
	buf_clear(&text);
	return 0;
}
