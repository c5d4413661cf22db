/* A directory of our own for files, in memory where that is possible. */
#ifndef FUZZ_TMPDIR_H
#define FUZZ_TMPDIR_H

/* Its path; made at the first call, removed with all in it at exit. */
const char *tmpdir(void);

/* Removes all that is in it. */
void tmpdir_empty(void);

#endif
