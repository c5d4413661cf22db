/*
 * verify <LOG: is it what one writer wrote, every line once, whole, in order?
 * Prints how many lines; exits 1 and says where if it is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 100

int
main(void)
{
	unsigned long long want = 0, got;
	char line[LINE + 1], *end;
	size_t n;

	while ((n = fread(line, 1, LINE, stdin)) == LINE) {
		line[LINE] = '\0';
		got = strtoull(line, &end, 10);
		if (end != line + 12 || line[LINE - 1] != '\n' ||
		    strspn(end + 1, ".") != LINE - 14) {
			printf("torn at line %llu: %.99s\n", want, line);
			return 1;
		}
		if (got != want) {
			printf("line %llu comes where %llu should be: %s\n",
			    got, want, got > want ? "lost" : "repeated");
			return 1;
		}
		want++;
	}
	if (n != 0) {
		printf("half a line after %llu\n", want);
		return 1;
	}
	printf("%llu\n", want);
	return 0;
}
