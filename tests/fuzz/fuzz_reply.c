/*
 * What a daemon may answer to the command: anything.  Real commands run
 * against it, and nothing of it may reach a terminal as a control byte.
 *
 * The first byte chooses the command, the second how it is run; the rest is
 * what comes, a byte 0xff standing for the end of one connection and the
 * beginning of the next.  Time is made up: each look at the clock is one
 * millisecond, waiting takes none.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "fuzz.h"
#include "lib/log.h"

static int fake_connect(int fd, const struct sockaddr *sa, socklen_t len);
static int fake_clock(clockid_t id, struct timespec *ts);
static int fake_sleep(const struct timespec *ts, struct timespec *left);

#define connect fake_connect
#define clock_gettime fake_clock
#define nanosleep fake_sleep
#include "../../src/cli/request.c"
#undef connect
#undef clock_gettime
#undef nanosleep

#include "cli/cmd.h"

#define NEXT 0xff /* never part of UTF-8 */

enum { TTY = 1, COLOUR = 2, JSON = 4, FLAG = 8, TIMEOUT = 16 };

static struct fuzz_input in; /* what is still to come */
static bool served; /* the first connection is over */
static int64_t now_ns; /* as far as the command knows */
static int captured; /* memfd that is stdout */

/* --- the daemon and its time --- */

static int
fake_clock(clockid_t id, struct timespec *ts)
{
	(void)id;
	now_ns += 1000000;
	ts->tv_sec = now_ns / 1000000000;
	ts->tv_nsec = now_ns % 1000000000;
	return 0;
}

static int
fake_sleep(const struct timespec *ts, struct timespec *left)
{
	(void)left;
	now_ns += ts->tv_sec * 1000000000 + ts->tv_nsec;
	return 0;
}

/* FD becomes a socket that has all to read that comes until it is closed. */
static int
fake_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	const uint8_t *sep = in.left > 0 ? memchr(in.p, NEXT, in.left) : NULL;
	size_t n = sep == NULL ? in.left : (size_t)(sep - in.p);
	int sv[2];

	(void)sa;
	(void)len;
	if (served && in.left == 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	served = true;
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) ==
	    0);
	FUZZ_CHECK(send(sv[1], in.p, n, MSG_DONTWAIT) == (ssize_t)n);
	shutdown(sv[1], SHUT_WR);
	in.p += n + (sep != NULL);
	in.left -= n + (sep != NULL);
	FUZZ_CHECK(dup2(sv[0], fd) == fd);
	close(sv[0]);
	/* Its other end is closed with the process; closed now, what the
	 * command sends would end the connection before it reads. */
	FUZZ_CHECK(dup2(sv[1], captured + 1) == captured + 1);
	close(sv[1]);
	return 0;
}

/* --- what is printed --- */

/* The colours of render.c are all that a terminal may be told. */
static size_t
colour_len(const char *p, size_t left)
{
	static const char *const known[] = {"\033[0m", "\033[1m", "\033[31m",
	    "\033[32m", "\033[33m"};
	size_t i, n;

	for (i = 0; i < sizeof known / sizeof known[0]; i++) {
		n = strlen(known[i]);
		if (left >= n && memcmp(p, known[i], n) == 0)
			return n;
	}
	return 0;
}

static void
check_visible(const char *p, size_t len, bool colour)
{
	size_t i, n;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (colour && (n = colour_len(p + i, len - i)) > 0) {
			i += n - 1;
			continue;
		}
		FUZZ_CHECK(c == '\n' || c == '\t' || c >= 0x20);
		FUZZ_CHECK(c != 0x7f);
		/* C1 control characters, as bytes or as UTF-8. */
		n = utf8_len(p + i, len - i);
		FUZZ_CHECK(n > 0);
		FUZZ_CHECK(n != 2 || c != 0xc2 ||
		    (unsigned char)p[i + 1] >= 0xa0);
		i += n - 1;
	}
}

static void
check_stdout(int flags)
{
	static char text[1024 * 1024];
	ssize_t n = pread(captured, text, sizeof text, 0);

	FUZZ_CHECK(n >= 0);
	if (flags & TTY)
		check_visible(text, (size_t)n, (flags & COLOUR) != 0);
	FUZZ_CHECK(ftruncate(captured, 0) == 0);
	lseek(captured, 0, SEEK_SET);
}

/* --- commands --- */

static const struct {
	const struct cmd *cmd;
	const char *name[2];
} commands[] = {
	{&cmd_status, {NULL, NULL}},
	{&cmd_status, {"web", NULL}},
	{&cmd_pid, {NULL, NULL}},
	{&cmd_pid, {"web", NULL}},
	{&cmd_wait, {"web", NULL}},
	{&cmd_start, {"web", NULL}},
	{&cmd_stop, {"web", NULL}},
	{&cmd_restart, {"web", "x"}},
	{&cmd_signal, {"HUP", "web"}},
	{&cmd_logs, {"web", NULL}},
	{&cmd_logs, {"web", NULL}},
	{&cmd_reload, {NULL, NULL}},
	{&cmd_reopen, {NULL, NULL}},
	{&cmd_upgrade, {NULL, NULL}},
	{&cmd_version, {NULL, NULL}},
};

static void
run(const struct cmd *cmd, const char *const *names, int flags)
{
	char *operands[] = {xstrdup(names[0]), xstrdup(names[1])};
	struct cli cli = {
		.cmd = cmd,
		.names = operands,
		.nnames = (size_t)(names[0] != NULL) + (names[1] != NULL),
		.tty = (flags & TTY) != 0,
		.colour = (flags & (TTY | COLOUR)) == (TTY | COLOUR),
	};
	int rc;

	cli.opt[OPT_SOCKET] = "/nonexistent/control.sock";
	cli.opt[OPT_CONFIG] = "/nonexistent/mpsupd.conf";
	cli.opt[OPT_JSON] = flags & JSON ? "" : NULL;
	cli.opt[OPT_FOLLOW] = flags & FLAG ? "" : NULL;
	cli.opt[OPT_TIMEOUT] = flags & TIMEOUT ? "2" : NULL;
	rc = cmd->exec(&cli);
	FUZZ_CHECK(rc >= 0 && rc <= 255);
	cli_clear(&cli);
	free(operands[0]);
	free(operands[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *messages;
	static char *said;
	static size_t said_len;
	FILE *err = stderr;
	int saved = dup(STDOUT_FILENO), flags;
	size_t which;

	if (captured == 0) {
		captured = memfd_create("stdout", MFD_CLOEXEC);
		captured = fcntl(captured, F_DUPFD_CLOEXEC, 200);
	}
	in = (struct fuzz_input){data, size};
	served = false;
	which = fuzz_byte(&in) % (sizeof commands / sizeof commands[0]);
	flags = fuzz_byte(&in);
	messages = open_memstream(&said, &said_len);
	FUZZ_CHECK(messages != NULL && dup2(captured, STDOUT_FILENO) == 1);
	stderr = messages;
	run(commands[which].cmd, commands[which].name, flags);
	stderr = err;
	fclose(messages);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	check_visible(said, said_len, false);
	check_stdout(flags);
	free(said);
	return 0;
}
