/* What people see; see render.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render.h"
#include "lib/str.h"
#include "lib/xalloc.h"

struct cell {
	char *text;
	size_t width; /* code points */
	enum render_colour colour;
};

struct render_table {
	const struct render_column *cols;
	size_t ncols;
	struct cell *cells;
	size_t n, cap;
};

static const char *const colours[RENDER_COLOURS] = {
	[RENDER_PLAIN] = "",
	[RENDER_BOLD] = "\033[1m",
	[RENDER_GREEN] = "\033[32m",
	[RENDER_YELLOW] = "\033[33m",
	[RENDER_RED] = "\033[31m",
};

struct render_table *
render_table_new(const struct render_column *cols, size_t n)
{
	struct render_table *t = xcalloc(1, sizeof *t);

	t->cols = cols;
	t->ncols = n;
	return t;
}

void
render_table_free(struct render_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void
render_table_cell(struct render_table *t, enum render_colour c,
    const char *text)
{
	bool last = t->n % t->ncols == t->ncols - 1;
	struct buf b = BUF_INIT;
	struct cell *cell;

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16 * t->ncols;
		t->cells = xreallocarray(t->cells, t->cap, sizeof *t->cells);
	}
	if (text == NULL || *text == '\0')
		text = last ? "" : "-";
	render_text(&b, text);
	cell = &t->cells[t->n++];
	cell->text = buf_steal(&b);
	cell->width = render_width(cell->text);
	cell->colour = c;
}

static void
pad(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_addc(out, ' ');
}

static size_t
column_width(const struct render_table *t, size_t col)
{
	size_t w = render_width(t->cols[col].title), i;

	for (i = col; i < t->n; i += t->ncols)
		if (t->cells[i].width > w)
			w = t->cells[i].width;
	return w;
}

/* One cell of column COL, which is WIDTH wide.  A line is finished by
 * line_end(), which takes back the blanks of what follows it. */
static void
write_cell(struct buf *out, const struct render_column *col, size_t width,
    const struct cell *cell, bool colour)
{
	size_t fill = width - cell->width;

	colour = colour && cell->colour != RENDER_PLAIN && cell->width > 0;
	if (col->right)
		pad(out, fill);
	if (colour)
		buf_adds(out, colours[cell->colour]);
	buf_adds(out, cell->text);
	if (colour)
		buf_adds(out, "\033[0m");
	if (!col->right)
		pad(out, fill);
	pad(out, 2);
}

static void
line_end(struct buf *out)
{
	while (buf_len(out) > 0 && out->data[out->end - 1] == ' ')
		out->end--;
	buf_addc(out, '\n');
}

void
render_table_write(const struct render_table *t, bool colour, struct buf *out)
{
	size_t *width = xcalloc(t->ncols, sizeof *width), i, col;
	char title[64];

	for (col = 0; col < t->ncols; col++) {
		struct cell head = {title, 0, RENDER_BOLD};

		width[col] = column_width(t, col);
		str_copy(title, t->cols[col].title, sizeof title);
		head.width = render_width(title);
		write_cell(out, &t->cols[col], width[col], &head, colour);
	}
	line_end(out);
	for (i = 0; i < t->n - t->n % t->ncols; i++) {
		col = i % t->ncols;
		write_cell(out, &t->cols[col], width[col], &t->cells[i],
		    colour);
		if (col == t->ncols - 1)
			line_end(out);
	}
	free(width);
}

size_t
render_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n++;
	return n;
}

void
render_text(struct buf *out, const char *s)
{
	str_visible(out, s, strlen(s), false);
}

const char *
render_duration(double seconds, char out[RENDER_SHORT])
{
	unsigned long long s;

	if (!(seconds > 0))
		seconds = 0;
	if (seconds > 1e15)
		seconds = 1e15;
	s = (unsigned long long)seconds;
	if (s < 60)
		snprintf(out, RENDER_SHORT, "%llus", s);
	else if (s < 3600)
		snprintf(out, RENDER_SHORT, "%llum %llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, RENDER_SHORT, "%lluh %llum", s / 3600,
		    s / 60 % 60);
	else
		snprintf(out, RENDER_SHORT, "%llud %lluh", s / 86400,
		    s / 3600 % 24);
	return out;
}

const char *
render_cpu(double seconds, char out[RENDER_SHORT])
{
	if (!(seconds < 59.995))
		return render_duration(seconds, out);
	snprintf(out, RENDER_SHORT, "%.2fs", seconds > 0 ? seconds : 0);
	return out;
}

const char *
render_size(double bytes, char out[RENDER_SHORT])
{
	static const char units[] = "BKMGTPE";
	size_t u = 0;

	if (!(bytes > 0))
		bytes = 0;
	if (bytes > 1e18)
		bytes = 1e18;
	while (bytes >= (u == 0 ? 1024 : 1023.95)) {
		bytes /= 1024;
		u++;
	}
	snprintf(out, RENDER_SHORT, u == 0 ? "%.0f%c" : "%.1f%c", bytes,
	    units[u]);
	return out;
}

/* How many of the LEN bytes at P end it with the beginning of a character
 * that more bytes could complete. */
static size_t
unfinished(const char *p, size_t len)
{
	size_t back, need;
	unsigned char c;

	for (back = 1; back <= 3 && back <= len; back++) {
		c = (unsigned char)p[len - back];
		if ((c & 0xc0) == 0x80)
			continue;
		need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
		return c <= 0xf4 && need > back ? back : 0;
	}
	return 0;
}

void
render_log_add(struct render_log *l, const char *p, size_t len,
    struct buf *out)
{
	struct buf all = BUF_INIT;
	size_t keep;

	buf_add(&all, l->part, l->n);
	buf_add(&all, p, len);
	len = buf_len(&all);
	if (len > 0) {
		keep = unfinished(all.data, len);
		str_visible(out, all.data, len - keep, true);
		memcpy(l->part, all.data + len - keep, keep);
		l->n = keep;
	}
	buf_clear(&all);
}

void
render_log_end(struct render_log *l, struct buf *out)
{
	str_visible(out, l->part, l->n, true);
	l->n = 0;
}
