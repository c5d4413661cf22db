/* A pipe with one descriptor for both of its ends: it stays whole whoever
 * dies. */
#ifndef LIB_PIPE_H
#define LIB_PIPE_H

/* Open for reading and writing, close-on-exec; -1 with errno. */
int pipe_whole(void);

#endif
