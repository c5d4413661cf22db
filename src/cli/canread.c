/* `mpsupd --can-read FD`; see canread.h. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cli/canread.h"
#include "core/conf.h"
#include "keeper/handover.h"
#include "lib/board.h"

static bool
reads_config(int fd)
{
	struct config *c = NULL;
	struct stat st;
	void *data;

	if (fstat(fd, &st) == -1 || st.st_size == 0)
		return false;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return false;
	c = config_decode(data, (size_t)st.st_size);
	if (c != NULL)
		config_free(c);
	return c != NULL;
}

int
can_read(const char *number)
{
	static int kept[HANDOVER_KEPT];
	struct handover h;
	char *end;
	long fd = strtol(number, &end, 10);
	const char *why = NULL;

	if (*number == '\0' || *end != '\0' || fd < 0 || fd > INT32_MAX)
		why = "not a descriptor";
	else if (!handover_read((int)fd, &h, kept))
		why = "a handover of another version, or none";
	else if (board_map(h.fd[ROLE_BOARD]) == NULL)
		why = "a board of another version, or none";
	else if (!reads_config(h.fd[ROLE_CONFIG]))
		why = "a configuration of another version, or none";
	if (why == NULL)
		return 0;
	fprintf(stderr, "mpsupd: %s %s: %s\n", CAN_READ_OPTION, number, why);
	return 1;
}
