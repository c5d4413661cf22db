/*
 * What people see: tables, durations, sizes, colour, and control bytes from
 * outside made visible.  Pure: text goes to a struct buf, nothing is printed.
 */
#ifndef CLI_RENDER_H
#define CLI_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

enum render_colour {
	RENDER_PLAIN,
	RENDER_BOLD,
	RENDER_GREEN,
	RENDER_YELLOW,
	RENDER_RED,
	RENDER_COLOURS
};

struct render_column {
	const char *title;
	bool right; /* aligned to the right, as numbers are */
};

/* A table of text cells, filled from left to right, top to bottom. */
struct render_table;

/* A table of N columns; COLS is borrowed until render_table_free(). */
struct render_table *render_table_new(const struct render_column *cols,
    size_t n);
void render_table_free(struct render_table *t);

/* The next cell.  TEXT is copied with its control bytes made visible; NULL
 * or "" is shown as "-", in the last column as nothing. */
void render_table_cell(struct render_table *t, enum render_colour c,
    const char *text);

/*
 * Appends the titles and every complete row to OUT, two blanks between
 * columns, none at the end of a line.  Widths count code points.  COLOUR
 * false: no escape sequence is written.
 */
void render_table_write(const struct render_table *t, bool colour,
    struct buf *out);

/* Code points in the NUL-terminated UTF-8 string S. */
size_t render_width(const char *s);

/* Appends the NUL-terminated S on one line, control bytes visible. */
void render_text(struct buf *out, const char *s);

/* Seconds as "7s", "2m 3s", "2h 3m", "3d 4h"; cut, never rounded up; below
 * zero is zero. */
#define RENDER_SHORT 32
const char *render_duration(double seconds, char out[RENDER_SHORT]);

/* CPU time: as render_duration(), with hundredths below a minute. */
const char *render_cpu(double seconds, char out[RENDER_SHORT]);

/* Bytes as "512B", "1.5K", "12.0M", units of 1024. */
const char *render_size(double bytes, char out[RENDER_SHORT]);

/*
 * Log bytes on their way to a terminal.  They come in pieces that may end
 * inside a character; its first bytes are kept until the next piece.
 */
struct render_log {
	char part[4];
	size_t n;
};

/* Appends the piece P (LEN bytes) to OUT: control bytes visible, newline and
 * tab kept.  L starts zeroed. */
void render_log_add(struct render_log *l, const char *p, size_t len,
    struct buf *out);

/* The end: appends what is still kept. */
void render_log_end(struct render_log *l, struct buf *out);

#endif
