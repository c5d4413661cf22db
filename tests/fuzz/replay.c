/* Feeds files to a fuzz target: usage: fuzz_x FILE... */
#include "fuzz.h"

static void
replay(const char *path)
{
	FILE *f = fopen(path, "r");
	uint8_t *data = NULL;
	size_t len = 0, n;

	if (f == NULL) {
		perror(path);
		exit(2);
	}
	do {
		data = realloc(data, len + 65536);
		if (data == NULL)
			abort();
		n = fread(data + len, 1, 65536, f);
		len += n;
	} while (n > 0);
	fclose(f);
	data = realloc(data, len > 0 ? len : 1); /* a byte more is noticed */
	if (data == NULL)
		abort();
	printf("%s\n", path); /* the last one is the one that failed */
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	return 0;
}
