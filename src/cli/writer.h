/*
 * Files that must outlive a reboot: written beside, synced, renamed.
 *
 * A disk may take its time for that, so the supervisor never does it: the
 * loader writes what it has checked (`overrides`), and for the rest there is
 * the writer, the program itself run as WRITER_TITLE with the directory and
 * the name of the file.  WRITER_FD is a memfd with the content; when it ends
 * with 1, the reason stands there instead.
 */
#ifndef CLI_WRITER_H
#define CLI_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#define WRITER_TITLE "mpsupd: writer"
#define WRITER_FD 3

/*
 * Makes NAME in the directory DIR, made if need be, a file of the LEN bytes at
 * DATA.  NULL: it is on the disk; a reader sees the old file or the new one.
 * Otherwise the reason, which the caller frees, and nothing has changed.
 */
char *writer_replace(const char *dir, const char *name, const void *data,
    size_t len);

/* True if DIR lies in memory: what it has is gone after a reboot. */
bool writer_is_volatile(const char *dir);

/* Runs the writer; ARGC and ARGV are the program's. */
int writer_main(int argc, char **argv);

#endif
