/*
 * Files that logs are written to: opening them without being led astray, and
 * rotating them without losing one.
 */
#ifndef SUPERVISOR_LOGFILE_H
#define SUPERVISOR_LOGFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum logfile_kind {
	LOGFILE_REGULAR, /* spliced into at its end, rotated */
	LOGFILE_STREAM, /* pipe, FIFO, terminal, device: spliced, non-blocking */
	LOGFILE_COPY, /* socket, append-only: written after a look (tee) */
};

/*
 * Opens PATH for appending log bytes; creates it (0644) and its missing
 * directories (0755).  /dev/stdout, /dev/stderr and /dev/fd/N are this
 * process's own descriptors, reopened non-blocking.  A symbolic link, a
 * directory, a regular file with other hard links, or somebody else's file in
 * a directory that everybody can write is refused.
 *
 * Returns a close-on-exec descriptor and sets *RET_KIND, or -1 with errno;
 * ELOOP: a symbolic link; EMLINK: other hard links; ENXIO: a FIFO that nobody
 * reads.
 */
int logfile_open(const char *path, enum logfile_kind *ret_kind);

/*
 * Makes PATH free: PATH.1 becomes PATH.2 and so on up to PATH.BACKUPS, PATH
 * becomes PATH.1; with BACKUPS 0 it is removed.  PATH.1.gz is a PATH.1, too.
 * Interrupted at any point and called again it loses nothing that a complete
 * run would have kept.  0, or -1 with errno: PATH is still there.
 */
int logfile_rotate(const char *path, int64_t backups);

/* Seconds since the open file FD came into being, by the clock on the wall;
 * 0 if its file system does not know. */
double logfile_age(int fd);

/* The last byte of the file FD, which has SIZE bytes, is a newline, or cannot
 * be read. */
bool logfile_ends_line(int fd, off_t size);

/* Creates the missing directories above PATH.  0, or -1 with errno. */
int logfile_make_dirs(const char *path);

#endif
