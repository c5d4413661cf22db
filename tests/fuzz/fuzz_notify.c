/* What a program sends to $NOTIFY_SOCKET: the input is one datagram. */
#include "core/notify.h"
#include "fuzz.h"
#include "lib/str.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify n;
	size_t len, i, step;
	bool ok = notify_parse(data, size, &n);

	if (!ok || (n.set & NOTIFY_STATUS) == 0)
		FUZZ_CHECK(n.status[0] == '\0');
	FUZZ_CHECK(ok || n.set == 0);
	FUZZ_CHECK(n.watchdog_us >= 0 && n.extend_us >= 0 &&
	    n.monotonic_us >= 0 && n.err >= 0 && n.err < 4096);
	FUZZ_CHECK(n.mainpid >= ((n.set & NOTIFY_MAINPID) != 0));
	len = strnlen(n.status, sizeof n.status);
	FUZZ_CHECK(len <= NOTIFY_STATUS_MAX);
	for (i = 0; i < len; i += step) {
		step = utf8_len(n.status + i, len - i);
		FUZZ_CHECK(step > 0 && (unsigned char)n.status[i] >= 0x20);
	}
	return 0;
}
