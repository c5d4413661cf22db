/* The loader; see loader.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/confhost.h"
#include "cli/loader.h"
#include "cli/writer.h"
#include "core/conf.h"
#include "core/confstate.h"
#include "lib/buf.h"
#include "lib/xalloc.h"

#define LOADER_MAGIC 0x4d50534cu /* "MPSL" */
#define RESULT_MAX (256 * 1024 * 1024) /* no configuration is larger */

/* Followed by errors, warnings and the encoded configuration. */
struct head {
	uint32_t magic, accepted;
	uint32_t refusal, zero; /* enum loader_refusal */
	uint64_t errors, warnings, config; /* bytes of each */
};

/* --- writing, in the loader --- */

static void
add_msgs(const struct conf_msgs *msgs, bool warnings, struct buf *out)
{
	size_t i, n = 0;

	buf_addc(out, '[');
	for (i = 0; i < msgs->n; i++) {
		if (msgs->v[i].warning != warnings)
			continue;
		if (n++ > 0)
			buf_addc(out, ',');
		buf_adds_json(out, msgs->v[i].text);
	}
	buf_addc(out, ']');
}

static int
write_all(int fd, const struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < buf_len(b)) {
		n = write(fd, buf_head(b) + done, buf_len(b) - done);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/* The change that lies in LOADER_FD, which is empty then; NULL if none does.
 * False: it cannot be read. */
static bool
take_change(char **ret)
{
	struct stat st;
	char *text;

	*ret = NULL;
	if (fstat(LOADER_FD, &st) == -1)
		return false;
	if (st.st_size == 0)
		return true;
	text = xmalloc((size_t)st.st_size + 1);
	if (pread(LOADER_FD, text, (size_t)st.st_size, 0) != st.st_size ||
	    ftruncate(LOADER_FD, 0) == -1 ||
	    lseek(LOADER_FD, 0, SEEK_SET) == -1) {
		free(text);
		return false;
	}
	text[st.st_size] = '\0';
	*ret = text;
	return true;
}

/* The change is of a program that there is, the files are good with it, and
 * then it is written: in this order.  *RET stays NULL if any fails. */
static enum loader_refusal
load_changed(const char *changes, char **argv, const struct conf_host *world,
    struct config **ret, struct conf_msgs *msgs)
{
	struct buf text = BUF_INIT;
	struct conf_change change = {.text = changes, .merged = &text};
	struct conf_host host = *world;
	enum loader_refusal refusal = LOADER_INVALID;
	struct config *c = NULL;
	char *why = NULL;

	host.change = &change;
	if (config_load(argv[1], &host, &c, msgs) == -1)
		c = NULL;
	if (change.missing != NULL) {
		conf_msg_add(msgs, false, "%s", change.missing);
		refusal = LOADER_NO_PROGRAM;
	} else if (c != NULL) {
		why = writer_replace(argv[3], CONFSTATE_OVERRIDES,
		    buf_head(&text), buf_len(&text));
		refusal = LOADER_NOT_SAVED;
	}
	if (why != NULL)
		conf_msg_add(msgs, false, "%s", why);
	else if (change.missing == NULL)
		*ret = c;
	if (*ret == NULL)
		config_free(c);
	else if (writer_is_volatile(argv[3]))
		conf_msg_add(msgs, true, "%s lies in memory: what is set "
		    "there does not outlive a reboot", argv[3]);
	free(why);
	free(change.missing);
	buf_clear(&text);
	return refusal;
}

int
loader_main(int argc, char **argv)
{
	struct head h = {.magic = LOADER_MAGIC};
	struct buf errors = BUF_INIT, warnings = BUF_INIT, conf = BUF_INIT;
	struct buf head = BUF_INIT;
	struct conf_msgs msgs = {0};
	struct conf_host host;
	struct config *c = NULL;
	char *change;
	int failed;

	/* Nobody else waits for it, and it may hang in a file system. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc != 4 || chdir(argv[2]) == -1 || !take_change(&change))
		return 1;
	confhost_init(&host);
	host.statedir_now = argv[3];
	if (change != NULL)
		h.refusal = load_changed(change, argv, &host, &c, &msgs);
	else
		config_load(argv[1], &host, &c, &msgs);
	h.accepted = c != NULL;
	if (h.accepted)
		config_encode(c, &conf);
	add_msgs(&msgs, false, &errors);
	add_msgs(&msgs, true, &warnings);
	h.errors = buf_len(&errors);
	h.warnings = buf_len(&warnings);
	h.config = buf_len(&conf);
	buf_add(&head, &h, sizeof h);
	failed = write_all(LOADER_FD, &head) == -1 ||
	    write_all(LOADER_FD, &errors) == -1 ||
	    write_all(LOADER_FD, &warnings) == -1 ||
	    write_all(LOADER_FD, &conf) == -1;
	buf_clear(&head);
	buf_clear(&errors);
	buf_clear(&warnings);
	buf_clear(&conf);
	conf_msgs_clear(&msgs);
	free(change);
	if (h.accepted)
		config_free(c);
	return failed;
}

/* --- reading, in the supervisor --- */

int
loader_read(int fd, struct loader_result *ret)
{
	struct head h;
	struct stat st;
	char *data;

	if (fstat(fd, &st) == -1 || st.st_size > RESULT_MAX ||
	    pread(fd, &h, sizeof h, 0) != sizeof h ||
	    h.magic != LOADER_MAGIC || h.errors > RESULT_MAX ||
	    h.warnings > RESULT_MAX || h.config > RESULT_MAX ||
	    (uint64_t)st.st_size !=
	    sizeof h + h.errors + h.warnings + h.config)
		return -1;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -1;
	ret->errors = xstrndup(data + sizeof h, h.errors);
	ret->warnings = xstrndup(data + sizeof h + h.errors, h.warnings);
	ret->config = h.accepted ? config_decode(data + sizeof h + h.errors +
	    h.warnings, h.config) : NULL;
	ret->refusal = (enum loader_refusal)h.refusal;
	munmap(data, (size_t)st.st_size);
	return 0;
}

void
loader_result_clear(struct loader_result *res)
{
	free(res->errors);
	free(res->warnings);
	if (res->config != NULL)
		config_free(res->config);
}

int
loader_memfd(const void *data, size_t len)
{
	struct buf b = {.data = (char *)(uintptr_t)data, .end = len};
	int fd = memfd_create("mpsupd-config",
	    MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (write_all(fd, &b) == -1 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK |
	    F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == -1) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}
