/*
 * Schedules: bytes 0 to 3 are a time, the rest the text.  Whatever is
 * accepted has a next time, and one after that.
 */
#include "core/cron.h"
#include "fuzz.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf why = BUF_INIT;
	struct cron c;
	int64_t t = 0, next;
	char *text;
	int i;

	if (size < 4)
		return 0;
	for (i = 0; i < 4; i++)
		t = t << 8 | data[i];
	text = xstrndup((const char *)data + 4, size - 4);
	if (cron_parse(text, &c, &why)) {
		FUZZ_CHECK(buf_len(&why) == 0);
		FUZZ_CHECK(c.every_ms >= 0);
		for (i = 0; i < 3 && c.every_ms == 0; i++, t = next) {
			next = cron_next(&c, t);
			FUZZ_CHECK(next > t);
		}
	} else {
		FUZZ_CHECK(buf_len(&why) > 0);
	}
	buf_clear(&why);
	free(text);
	return 0;
}
