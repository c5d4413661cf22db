/* Signals; see sig.h. */
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sig.h"

/* signal(3) refuses 32 and 33; the kernel's own call does not.  All zeroes is
 * SIG_DFL without flags, in every layout of the kernel's struct. */
void
signals_default(void)
{
	static const uint64_t dfl[8];
	int i;

	for (i = 1; i < NSIG; i++)
		syscall(SYS_rt_sigaction, i, dfl, NULL, sizeof(uint64_t));
}
