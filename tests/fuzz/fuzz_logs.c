/*
 * The way of log bytes: from a pipe to files that are rotated, to syslog, and
 * back as the last lines of what is kept.
 *
 * The first byte chooses: the pump, against a model of what the files must
 * hold, or lines to syslog.  Things that other people do to the files happen
 * in between.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fuzz.h"

static int fake_connect(int fd, const struct sockaddr *sa, socklen_t len);
static ssize_t fake_send(int fd, const void *data, size_t len, int flags);

#define connect fake_connect
#define send fake_send
#include "../../src/supervisor/syslog.c"
#undef connect
#undef send
#include "../../src/supervisor/method_logs.c"

#include "supervisor/sink.h"
#include "tmpdir.h"

#define FILES 8 /* numbers that are looked at */
#define OPS_MAX 64
#define CHUNK_BYTES 600

static struct supervisor sup;
static struct stream *st;
static struct conf_log conf;
static char path[128];

static struct buf model; /* all that is kept or was written since */
static size_t old; /* of it, what was there before */
static uint8_t escape; /* of the model's own stripper */
static bool strip_ansi;

static void
quiet(enum log_level level, const char *line)
{
	(void)level;
	(void)line;
}

/* --- syslog --- */

static struct buf sent; /* lines, each with a newline */
static const uint8_t *fail; /* what each send does: 1 of 16 fails */

static int
fake_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)fd;
	(void)sa;
	(void)len;
	return 0;
}

static ssize_t
fake_send(int fd, const void *data, size_t len, int flags)
{
	static const char head[] = " name: ";
	const char *text;

	(void)fd;
	(void)flags;
	if (fail != NULL && *fail != 0 && *fail++ % 16 == 1) {
		errno = EAGAIN;
		return -1;
	}
	text = memmem(data, len, head, sizeof head - 1);
	FUZZ_CHECK(text != NULL);
	text += sizeof head - 1;
	buf_add(&sent, text, len - (size_t)(text - (const char *)data));
	buf_addc(&sent, '\n');
	return (ssize_t)len;
}

/* Lines longer than a message are cut; empty ones are left out. */
static void
split(const uint8_t *p, size_t len, struct buf *out)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (p[i] == '\n' || n == LINE_MAX_BYTES) {
			if (n > 0)
				buf_addc(out, '\n');
			n = 0;
		}
		if (p[i] == '\n')
			continue;
		buf_addc(out, (char)p[i]);
		n++;
	}
	if (n > 0)
		buf_addc(out, '\n');
}

/* The bytes come in pieces, as from a pipe; what was not taken comes again. */
static void
fuzz_syslog(struct fuzz_input *in)
{
	char fails[17] = "";
	struct buf want = BUF_INIT;
	size_t n, at = 0, have = 0, step;
	const uint8_t *p;
	ssize_t done;

	p = fuzz_bytes(in, 16, &n);
	memcpy(fails, p, n);
	step = fuzz_below(in, 1500) + 1;
	fail = (const uint8_t *)fails;
	while (at < in->left) {
		have = in->left - have > step ? have + step : in->left;
		done = syslog_lines("name", (const char *)in->p + at,
		    have - at, have == in->left);
		if (done > 0)
			at += (size_t)done;
		FUZZ_CHECK(at <= have);
	}
	fail = NULL;
	split(in->p, in->left, &want);
	FUZZ_CHECK(buf_len(&want) == buf_len(&sent) &&
	    (buf_len(&want) == 0 || memcmp(buf_head(&want), buf_head(&sent),
	    buf_len(&want)) == 0));
	buf_clear(&want);
	buf_clear(&sent);
}

/* --- files --- */

static const char *
numbered(int i)
{
	static char names[2][160]; /* two in one call */
	static int turn;
	char *name = names[turn = !turn];

	if (i == 0)
		snprintf(name, sizeof names[0], "%s", path);
	else
		snprintf(name, sizeof names[0], "%s.%d", path, i);
	return name;
}

/* Appends file number I to OUT; its size, -1: there is none. */
static ssize_t
read_file(int i, struct buf *out)
{
	struct stat sb;
	ssize_t n = -1;
	int fd = open(numbered(i), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

	if (fd == -1)
		return -1;
	if (fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode)) {
		n = read(fd, buf_reserve(out, (size_t)sb.st_size + 1),
		    (size_t)sb.st_size);
		FUZZ_CHECK(n == sb.st_size);
		out->end += (size_t)n;
	}
	close(fd);
	return n;
}

static void
write_file(int i, const void *data, size_t len)
{
	int fd = open(numbered(i), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	FUZZ_CHECK(fd != -1 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

static int
oldest(void)
{
	return conf.backups < FILES ? (int)conf.backups : FILES;
}

/* What is there now is what is to be there; nothing older counts. */
static void
start_model(void)
{
	int i;

	buf_clear(&model);
	for (i = oldest(); i >= 0; i--)
		read_file(i, &model);
	old = buf_len(&model);
}

/* A file is as large as asked, or one line longer.  FROM and TO: where it is
 * in the model. */
static void
check_size(size_t from, size_t to)
{
	size_t len = to - from, max = (size_t)conf.maxbytes;
	const char *p;

	if (conf.maxbytes == 0 || to <= old || len <= max)
		return;
	p = buf_head(&model) + from;
	FUZZ_CHECK(memchr(p + max - 1, '\n', len - max) == NULL);
	FUZZ_CHECK(p[len - 1] == '\n');
}

/* The files hold the end of all that was written, in order, and all of it if
 * there was room. */
static void
check_files(bool sizes)
{
	struct buf all = BUF_INIT;
	size_t end[FILES + 1], n = 0, skip, i;
	bool full = true;
	int k;

	for (k = oldest(); k >= 0; k--) {
		if (read_file(k, &all) == -1 && k > 0)
			full = false;
		end[n++] = buf_len(&all);
	}
	FUZZ_CHECK(buf_len(&all) <= buf_len(&model));
	skip = buf_len(&model) - buf_len(&all);
	if (buf_len(&all) > 0)
		FUZZ_CHECK(memcmp(buf_head(&model) + skip, buf_head(&all),
		    buf_len(&all)) == 0);
	FUZZ_CHECK(skip == 0 || full);
	for (i = 0; sizes && i < n; i++)
		check_size(skip + (i > 0 ? end[i - 1] : 0), skip + end[i]);
	buf_clear(&all);
}

/* --- the last lines --- */

/* Where the last LINES lines of P begin. */
static size_t
lines_from(const char *p, size_t len, int64_t lines)
{
	size_t i = len;

	if (lines == 0)
		return len;
	for (; i > 0; i--)
		if (p[i - 1] == '\n' && i < len && --lines == 0)
			return i;
	return 0;
}

static void
check_tail(int64_t lines)
{
	struct tail t = {.path = path};
	struct buf all = BUF_INIT, got = BUF_INIT, one = BUF_INIT;
	int i, n = 0;
	size_t from;

	while (n < FILES_MAX && (read_file(n, &one) != -1 || n == 0))
		n++;
	for (i = n - 1; i >= 0; i--)
		read_file(i, &all);
	choose_parts(&t, lines);
	for (i = 0; i < t.nparts; i++) {
		size_t len = (size_t)(t.part[i].end - t.part[i].at);

		FUZZ_CHECK(t.part[i].at >= 0 && t.part[i].at <= t.part[i].end);
		FUZZ_CHECK(pread(t.part[i].fd, buf_reserve(&got, len + 1), len,
		    t.part[i].at) == (ssize_t)len);
		got.end += len;
		close(t.part[i].fd);
	}
	from = lines < 0 || buf_len(&all) == 0 ? 0 :
	    lines_from(buf_head(&all), buf_len(&all), lines);
	FUZZ_CHECK(buf_len(&got) == buf_len(&all) - from);
	if (buf_len(&got) > 0)
		FUZZ_CHECK(memcmp(buf_head(&got), buf_head(&all) + from,
		    buf_len(&got)) == 0);
	buf_clear(&all);
	buf_clear(&got);
	buf_clear(&one);
}

/* --- the pump --- */

static void
init(void)
{
	log_set_sink(quiet);
	sup.devnull = open("/dev/null", O_RDWR | O_CLOEXEC);
	sup.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	logs_init(&sup, 64);
	snprintf(path, sizeof path, "%s/log", tmpdir());
}

static void
print(const uint8_t *p, size_t len)
{
	size_t i;

	FUZZ_CHECK(write(stream_fd(st), p, len) == (ssize_t)len);
	for (i = 0; i < len; i++) {
		if (strip_ansi && escape == 1)
			escape = p[i] == '[' ? 2 : 0;
		else if (strip_ansi && escape == 2)
			escape = p[i] >= 0x40 && p[i] <= 0x7e ? 0 : 2;
		else if (strip_ansi && p[i] == 0x1b)
			escape = 1;
		else
			buf_addc(&model, (char)p[i]);
	}
}

/* What waited is in the files. */
static void
drain(void)
{
	unsigned left, before = UINT_MAX;

	while ((left = stream_drain(st)) > 0) { /* it takes 0.1 s at most */
		FUZZ_CHECK(left < before);
		before = left;
	}
}

/* It cannot be written for a while: nothing is lost. */
static void
obstruct(uint8_t how)
{
	char saved[160];
	int fd;

	drain();
	logs_reopen(&sup); /* it is opened when the next byte comes */
	snprintf(saved, sizeof saved, "%s.saved", path);
	rename(path, saved);
	if (how % 3 == 0)
		FUZZ_CHECK(symlink("/nonexistent/x", path) == 0);
	else if (how % 3 == 1)
		FUZZ_CHECK(mkdir(path, 0700) == 0);
	else
		FUZZ_CHECK(mkfifo(path, 0600) == 0);
	print((const uint8_t *)"while\nit\n", 9);
	FUZZ_CHECK(stream_drain(st) == 9 && st->sink->err != 0);
	if (unlink(path) == -1)
		rmdir(path);
	fd = rename(saved, path);
	(void)fd;
	ev_feed_event(sup.loop, &st->sink->retry, EV_TIMER);
	ev_run(sup.loop, EVRUN_NOWAIT);
	drain();
	FUZZ_CHECK(st->sink->err == 0);
}

/* Another supervisor goes on with the pipe. */
static void
take_over(void)
{
	int pipe = fcntl(stream_fd(st), F_DUPFD_CLOEXEC, 0);
	uint8_t state = st->escape;

	FUZZ_CHECK(pipe != -1);
	stream_free(st);
	st = stream_new(&sup, "name");
	st->escape = state; /* lost in earnest: the model does not know */
	stream_configure(st, &conf, strip_ansi);
	stream_adopt(st, pipe);
}

static void
configure(struct fuzz_input *in)
{
	drain();
	conf.file = path;
	conf.maxbytes = (int64_t)fuzz_byte(in) * 4;
	conf.backups = fuzz_byte(in) % 6;
	stream_configure(st, &conf, strip_ansi);
	start_model();
}

/* Somebody else was at the files. */
static void
meddle(struct fuzz_input *in)
{
	size_t len;
	const uint8_t *p;
	int i = fuzz_byte(in) % (FILES - 1);

	drain();
	switch (fuzz_byte(in) % 4) {
	case 0:
		unlink(numbered(i));
		break;
	case 1:
		p = fuzz_bytes(in, fuzz_byte(in), &len);
		write_file(i, p, len);
		break;
	case 2:
		len = fuzz_byte(in);
		if (truncate(numbered(0), (off_t)len) == -1)
			FUZZ_CHECK(errno == ENOENT);
		break;
	case 3:
		rename(numbered(0), numbered(FILES + 2));
		logs_reopen(&sup);
		break;
	}
	start_model();
}

static void
fuzz_pump(struct fuzz_input *in)
{
	uint8_t form = fuzz_byte(in);
	const uint8_t *p;
	bool sizes = true;
	size_t len;
	int i;

	escape = 0;
	strip_ansi = form & 1;
	conf.to_syslog = (form & 2) != 0;
	for (i = FILES; i >= 0; i--) { /* what was there before */
		p = fuzz_bytes(in, fuzz_byte(in) % 64, &len);
		if (len > 0)
			write_file(i, p, len);
	}
	st = stream_new(&sup, "name");
	configure(in);
	FUZZ_CHECK(stream_pipe(st) != -1);
	for (i = 0; i < OPS_MAX && in->left > 0; i++) {
		switch (fuzz_byte(in) % 16) {
		case 0:
			drain();
			check_files(sizes);
			check_tail(fuzz_byte(in) % 20);
			break;
		case 1:
			logs_reopen(&sup);
			break;
		case 2:
			obstruct(fuzz_byte(in));
			break;
		case 3:
			take_over();
			break;
		case 4:
			configure(in);
			break;
		case 5:
			meddle(in);
			sizes = false;
			break;
		case 6:
			ev_run(sup.loop, EVRUN_NOWAIT);
			break;
		default:
			p = fuzz_bytes(in, fuzz_below(in, CHUNK_BYTES), &len);
			print(p, len);
			stream_pump(st);
		}
	}
	drain();
	check_files(sizes);
	check_tail(-1);
	check_tail(1);
	check_tail(10);
	stream_free(st);
	buf_clear(&model);
	buf_clear(&sent);
	tmpdir_empty();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};

	if (sup.loop == NULL)
		init();
	if (fuzz_byte(&in) % 4 == 0)
		fuzz_syslog(&in);
	else
		fuzz_pump(&in);
	return 0;
}
