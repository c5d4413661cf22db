/* When a schedule is due; see cron.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/confvalue.h"
#include "core/cron.h"
#include "lib/buf.h"
#include "lib/str.h"
#include "lib/xalloc.h"

#define EVERY_MAX_MS (INT64_C(10) * 365 * 86400 * 1000)
#define YEARS 44 /* a 29 February on a certain weekday may take 40 */
#define FIELDS 5
#define TEXT_MAX 1000 /* bytes of a schedule */

/* --- time zones --- */

struct zone {
	char *saved; /* TZ as it was; NULL: not set */
	bool changed;
};

static void
zone_enter(struct zone *z, const char *name)
{
	const char *old = getenv("TZ");

	z->changed = name[0] != '\0';
	z->saved = z->changed ? xstrdup(old) : NULL;
	if (z->changed)
		setenv("TZ", name, 1);
	tzset();
}

static void
zone_leave(struct zone *z)
{
	if (!z->changed)
		return;
	if (z->saved != NULL)
		setenv("TZ", z->saved, 1);
	else
		unsetenv("TZ");
	free(z->saved);
	tzset();
}

/* The C library takes a name that it does not find for UTC, and its first
 * letters for the abbreviation. */
static bool
zone_is_known(const char *name)
{
	struct zone z;
	size_t len;
	bool known = true;

	if (strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0)
		return true;
	zone_enter(&z, name);
	len = strlen(tzname[0]);
	if (timezone == 0 && daylight == 0 &&
	    strncmp(name, tzname[0], len) == 0) {
		name += len; /* "XYZ0" is a zone: POSIX has such */
		name += *name == '+' || *name == '-';
		known = *name >= '0' && *name <= '9';
	}
	zone_leave(&z);
	return known;
}

/* --- reading --- */

struct field {
	const char *name;
	int min, max; /* what may be written */
	const char *names; /* three letters each, from MIN on; NULL: none */
};

static const struct field fields[FIELDS] = {
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of month", 1, 31, NULL},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of week", 0, 7, "sunmontuewedthufrisat"},
};

static const struct {
	const char *name, *fields;
} macros[] = {
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* WORD ... reason.  false, for the caller to return. */
static bool
refuse(struct buf *why, const struct field *f, const char *word,
    const char *reason)
{
	if (f != NULL)
		buf_addf(why, "%s: ", f->name);
	confvalue_quote(why, word);
	buf_addf(why, " %s", reason);
	return false;
}

static bool
refuse_value(struct buf *why, const struct field *f, const char *word)
{
	refuse(why, f, word, "is not a number");
	buf_addf(why, " from %d to %d", f->min, f->max);
	if (f->names != NULL)
		buf_addf(why, " or a name like %.3s", f->names);
	return false;
}

/* One number or name: all of WORD. */
static bool
parse_one(const struct field *f, const char *word, int *ret, struct buf *why)
{
	int64_t n;
	size_t i;

	for (i = 0; f->names != NULL && f->names[i] != '\0'; i += 3)
		if (strlen(word) == 3 &&
		    strncasecmp(word, f->names + i, 3) == 0) {
			*ret = f->min + (int)i / 3;
			return true;
		}
	if (word[0] == '-' || !str_to_int(word, f->min, f->max, &n))
		return refuse_value(why, f, word);
	*ret = (int)n;
	return true;
}

static bool
parse_step(const struct field *f, const char *item, const char *step,
    int *ret, struct buf *why)
{
	/* Sunday has two numbers. */
	int count = f->max - f->min + 1 - (f->max == 7);
	int64_t n;

	if (str_to_int(step, 1, count - 1, &n)) {
		*ret = (int)n;
		return true;
	}
	refuse(why, f, item, "has a step that is not a number");
	buf_addf(why, " from 1 to %d", count - 1);
	return false;
}

/* ITEM = A, A-B or *, with /STEP; may be written to.  Adds to *BITS. */
static bool
parse_item(const struct field *f, char *item, uint64_t *bits, struct buf *why)
{
	char *slash = strchr(item, '/'), *dash, *whole = xstrdup(item);
	int lo = f->min, hi = f->max - (f->max == 7), step = 1;
	bool ok = true;

	if (slash != NULL)
		*slash = '\0';
	dash = strchr(item, '-');
	if (strcmp(item, "*") != 0) {
		if (dash != NULL && dash != item)
			*dash = '\0';
		else
			dash = NULL;
		ok = parse_one(f, item, &lo, why);
		hi = lo;
		if (ok && dash != NULL)
			ok = parse_one(f, dash + 1, &hi, why);
		if (ok && f->max == 7 && hi == 0 && lo > 0)
			hi = 7; /* fri-sun */
		if (ok && lo > hi)
			ok = refuse(why, f, whole, "runs backwards");
		if (ok && slash != NULL && dash == NULL)
			ok = refuse(why, f, whole, "is a step without a "
			    "range: A-B/STEP or */STEP");
	}
	if (ok && slash != NULL)
		ok = parse_step(f, whole, slash + 1, &step, why);
	for (; ok && lo <= hi; lo += step)
		*bits |= UINT64_C(1) << (f->max == 7 ? lo % 7 : lo);
	free(whole);
	return ok;
}

/* WORD: items with commas between; is written to. */
static bool
parse_field(const struct field *f, char *word, uint64_t *ret, struct buf *why)
{
	char *item = word, *comma;

	*ret = 0;
	for (;;) {
		comma = strchr(item, ',');
		if (comma != NULL)
			*comma = '\0';
		if (*item == '\0') {
			buf_addf(why, "%s: an item of the list is empty",
			    f->name);
			return false;
		}
		if (!parse_item(f, item, ret, why))
			return false;
		if (comma == NULL)
			return true;
		item = comma + 1;
	}
}

/* Splits TEXT at blanks.  How many words there are; the first FIELDS of them
 * are kept. */
static size_t
split(char *text, char *words[FIELDS])
{
	size_t n = 0;

	while (*text != '\0') {
		while (is_blank(*text))
			*text++ = '\0';
		if (*text == '\0')
			break;
		if (n < FIELDS)
			words[n] = text;
		n++;
		while (*text != '\0' && !is_blank(*text))
			text++;
	}
	return n;
}

static int
days_in_month(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
	    31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Some month of C has one of its days. */
static bool
has_date(const struct cron *c)
{
	int m;

	if (!c->both_days)
		return true; /* a weekday comes every week */
	for (m = 1; m <= 12; m++)
		if (c->month & 1u << m && c->dom &
		    ((UINT32_C(2) << days_in_month(2000, m)) - 2))
			return true;
	return false;
}

/* TEXT is written to; WHOLE is for messages. */
static bool
parse_fields(char *text, const char *whole, struct cron *c, struct buf *why)
{
	uint64_t bits[FIELDS] = {0};
	char *words[FIELDS] = {NULL};
	size_t i, n = split(text, words);

	if (n != FIELDS) {
		confvalue_quote(why, whole);
		buf_addf(why, " has %zu fields, not five: minute hour "
		    "day-of-month month day-of-week%s", n, n == FIELDS + 1 ?
		    "; for seconds there is \"every 10s\"" : "");
		return false;
	}
	c->both_days = words[2][0] == '*' || words[4][0] == '*';
	for (i = 0; i < FIELDS; i++)
		if (!parse_field(&fields[i], words[i], &bits[i], why))
			return false;
	c->minute = bits[0];
	c->hour = (uint32_t)bits[1];
	c->dom = (uint32_t)bits[2];
	c->month = (uint32_t)bits[3];
	c->dow = (uint32_t)bits[4];
	if (!has_date(c))
		return refuse(why, NULL, whole, "never comes: none of its "
		    "months has such a day");
	return true;
}

static bool
parse_macro(const char *word, struct cron *c, struct buf *why)
{
	char text[16];
	size_t i;

	for (i = 0; i < sizeof macros / sizeof macros[0]; i++)
		if (strcasecmp(word, macros[i].name) == 0) {
			str_copy(text, macros[i].fields, sizeof text);
			return parse_fields(text, word, c, why);
		}
	refuse(why, NULL, word, "is none of ");
	for (i = 0; i < sizeof macros / sizeof macros[0]; i++)
		buf_addf(why, "%s%s", i > 0 ? ", " : "", macros[i].name);
	return false;
}

static bool
parse_every(const char *text, struct cron *c, struct buf *why)
{
	if (!confvalue_duration(text, &c->every_ms) || c->every_ms < 1 ||
	    c->every_ms > EVERY_MAX_MS) {
		buf_adds(why, "every: ");
		return refuse(why, NULL, text, "is not a duration: a whole "
		    "number and ms, s, m, h or d, at most ten years");
	}
	return true;
}

/* "TZ=Europe/Berlin " at *TEXT, which moves behind it. */
static bool
parse_zone(const char **text, struct cron *c, struct buf *why)
{
	const char *s = *text + strlen("TZ=");
	size_t len = strcspn(s, " \t");
	char *name = xstrndup(s, len);
	bool ok = true;

	if (len == 0 || len >= sizeof c->zone || *name == '/' ||
	    *name == ':' || strstr(name, "..") != NULL)
		ok = refuse(why, NULL, name, "is not the name of a time zone, "
		    "as Europe/Berlin is");
	else if (!zone_is_known(name))
		ok = refuse(why, NULL, name, "is no time zone that this "
		    "machine knows");
	else
		str_copy(c->zone, name, sizeof c->zone);
	free(name);
	*text = skip_blanks(s + len);
	return ok;
}

static bool
is_every(const char *s)
{
	return strncasecmp(s, "every", 5) == 0 &&
	    (s[5] == '\0' || is_blank(s[5]));
}

bool
cron_parse(const char *text, struct cron *ret, struct buf *why)
{
	struct cron c;
	char *copy;
	size_t len;
	bool ok;

	memset(&c, 0, sizeof c); /* all of it: records are compared */
	if (strlen(text) > TEXT_MAX)
		return refuse(why, NULL, text, "is too long for a schedule");
	text = skip_blanks(text);
	if (strncmp(text, "TZ=", 3) == 0 && !parse_zone(&text, &c, why))
		return false;
	if (c.zone[0] != '\0' && is_every(text))
		return refuse(why, NULL, text, "has nothing to do with a "
		    "time zone: leave out TZ=");
	copy = xstrdup(text);
	for (len = strlen(copy); len > 0 && is_blank(copy[len - 1]); len--)
		copy[len - 1] = '\0';
	if (copy[0] == '@')
		ok = parse_macro(copy, &c, why);
	else if (is_every(copy))
		ok = parse_every(skip_blanks(copy + 5), &c, why);
	else
		ok = parse_fields(copy, text, &c, why);
	free(copy);
	if (ok)
		*ret = c;
	return ok;
}

/* --- days: proleptic Gregorian calendar --- */

struct day {
	int64_t year;
	int month, mday; /* both from 1 */
	int wday; /* 0: Sunday */
};

static bool
day_matches(const struct cron *c, const struct day *d)
{
	bool dom = (c->dom & 1u << d->mday) != 0;
	bool dow = (c->dow & 1u << d->wday) != 0;

	return (c->month & 1u << d->month) != 0 &&
	    (c->both_days ? dom && dow : dom || dow);
}

static void
next_day(struct day *d)
{
	d->wday = (d->wday + 1) % 7;
	if (++d->mday <= days_in_month(d->year, d->month))
		return;
	d->mday = 1;
	if (++d->month <= 12)
		return;
	d->month = 1;
	d->year++;
}

/* D, or the first day after it that matches.  false: none in YEARS. */
static bool
find_day(const struct cron *c, struct day *d)
{
	int64_t last = d->year + YEARS;

	while (!day_matches(c, d)) {
		if (d->year > last)
			return false;
		next_day(d);
	}
	return true;
}

/* Seconds from 1970 to the beginning of D, as if clocks showed UTC.  Years
 * begin in March here, so that the leap day is the last one. */
static int64_t
day_seconds(const struct day *d)
{
	int64_t y = d->year - (d->month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	int m = (d->month + 9) % 12;
	int64_t n = (153 * m + 2) / 5 + d->mday - 1 + of_era * 365 +
	    of_era / 4 - of_era / 100;

	return (era * 146097 + n - 719468) * 86400;
}

/* --- local time --- */

/* What clocks show at T, in seconds as day_seconds() counts them. */
static bool
local_seconds(int64_t t, int64_t *ret)
{
	time_t tt = (time_t)t;
	struct tm tm;

	if (localtime_r(&tt, &tm) == NULL)
		return false;
	*ret = t + tm.tm_gmtoff;
	return true;
}

static bool
local_day(int64_t t, struct day *d, struct tm *tm)
{
	time_t tt = (time_t)t;

	if (localtime_r(&tt, tm) == NULL)
		return false;
	d->year = tm->tm_year + INT64_C(1900);
	d->month = tm->tm_mon + 1;
	d->mday = tm->tm_mday;
	d->wday = tm->tm_wday;
	return true;
}

/* The first second at which clocks show SHOWN or, when that is left out, what
 * comes next.  LO: they show less; HI: they do not. */
static int64_t
end_of_gap(int64_t lo, int64_t hi, int64_t shown)
{
	int64_t mid, s;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (!local_seconds(mid, &s) || s >= shown)
			hi = mid;
		else
			lo = mid;
	}
	return hi;
}

/* When clocks show SHOWN for the first time.  Their distance from UTC is the
 * one of the day before or the one of the day after, unless SHOWN is left
 * out. */
static bool
instant_of(int64_t shown, int64_t *ret)
{
	int64_t a, b, t, s, before, after;

	if (!local_seconds(shown - 86400, &a) ||
	    !local_seconds(shown + 86400, &b))
		return false;
	before = shown - (a - (shown - 86400)); /* if that distance holds */
	after = shown - (b - (shown + 86400));
	t = before < after ? before : after;
	if (local_seconds(t, &s) && s == shown) {
		*ret = t;
		return true;
	}
	t = before < after ? after : before;
	if (!local_seconds(t, &s))
		return false;
	*ret = s == shown ? t : end_of_gap(after - 1, before, shown);
	return true;
}

/* --- what is next --- */

/* Each hour is due: minutes are counted as they pass. */
static int64_t
next_in_real_time(const struct cron *c, int64_t after_s)
{
	struct day d;
	struct tm tm;
	int64_t t = after_s + 1, jump;

	for (;;) {
		if (!local_day(t, &d, &tm))
			return -1;
		if (tm.tm_sec > 0) {
			t += 60 - (tm.tm_sec < 60 ? tm.tm_sec : 0);
			continue;
		}
		if (day_matches(c, &d)) {
			if (c->minute & UINT64_C(1) << tm.tm_min)
				return t;
			t += 60;
			continue;
		}
		if (!find_day(c, &d) || !instant_of(day_seconds(&d), &jump))
			return -1;
		/* Not so where clocks go back over midnight. */
		t = jump > t ? jump : t + 60;
	}
}

/* The first time of day D that is due later than AFTER_S; 0: none, -1: no
 * time.  They come in the order of the clock, also around a change. */
static int64_t
next_of_day(const struct cron *c, const struct day *d, int64_t after_s)
{
	int64_t start = day_seconds(d), t;
	int h, m;

	for (h = 0; h < 24; h++) {
		if ((c->hour & 1u << h) == 0)
			continue;
		/* The whole hour is over: its last minute says so. */
		if (!instant_of(start + h * 3600 + 59 * 60, &t))
			return -1;
		if (t <= after_s)
			continue;
		for (m = 0; m < 60; m++) {
			if ((c->minute & UINT64_C(1) << m) == 0)
				continue;
			if (!instant_of(start + h * 3600 + m * 60, &t))
				return -1;
			if (t > after_s)
				return t;
		}
	}
	return 0;
}

static int64_t
next_of_clock(const struct cron *c, int64_t after_s)
{
	struct day d;
	struct tm tm;
	int64_t t;

	if (!local_day(after_s, &d, &tm))
		return -1;
	for (;; next_day(&d)) {
		if (!find_day(c, &d))
			return -1;
		t = next_of_day(c, &d, after_s);
		if (t != 0)
			return t;
	}
}

int64_t
cron_next(const struct cron *c, int64_t after_s)
{
	struct zone z;
	int64_t t;

	if (c->every_ms > 0 || after_s < 0)
		return -1;
	zone_enter(&z, c->zone);
	t = c->hour == 0xffffff ? next_in_real_time(c, after_s) :
	    next_of_clock(c, after_s);
	zone_leave(&z);
	return t;
}
