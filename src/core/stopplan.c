/* Steps of a stop; see stopplan.h. */
#include <signal.h>
#include <string.h>

#include "core/conf.h"
#include "core/confvalue.h"
#include "core/stopplan.h"
#include "lib/buf.h"

#define WORD_MAX 64 /* bytes of one step */
#define WAIT_MS 10000 /* of a step without a time */
#define WAIT_MAX_MS (INT64_C(10) * 365 * 86400 * 1000)
#define BLANKS " \t\r\n,"

static bool
parse_step(const char *text, size_t len, struct stopplan_step *ret)
{
	char word[WORD_MAX];
	char *slash;
	int signo;

	if (len >= sizeof word)
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	slash = strchr(word, '/');
	if (slash != NULL)
		*slash++ = '\0';
	signo = confvalue_signal(word);
	if (signo == -1)
		return false;
	ret->signo = signo;
	ret->wait_ms = WAIT_MS;
	return slash == NULL || (confvalue_duration(slash, &ret->wait_ms) &&
	    ret->wait_ms <= WAIT_MAX_MS);
}

unsigned
stopplan_parse(const char *text, struct stopplan_step ret[STOPPLAN_MAX],
    struct buf *why)
{
	unsigned n = 0;
	size_t len;

	for (text += strspn(text, BLANKS); *text != '\0';
	    text += len, text += strspn(text, BLANKS)) {
		len = strcspn(text, BLANKS);
		/* One place stays free for a stop_command. */
		if (n == STOPPLAN_MAX - 1) {
			buf_addf(why, "has more than %d steps",
			    STOPPLAN_MAX - 1);
			return 0;
		}
		if (!parse_step(text, len, &ret[n])) {
			buf_addf(why, "\"%.*s\" is no step: SIGNAL/TIME, as "
			    "TERM/10", len < WORD_MAX ? (int)len : WORD_MAX,
			    text);
			return 0;
		}
		n++;
	}
	if (n > 1 && ret[n - 1].signo == SIGKILL)
		n--;
	if (n == 0)
		buf_adds(why, "has no step: SIGNAL/TIME, as TERM/10");
	return n;
}

bool
stopplan_of(const struct conf_process *p, struct stopplan *ret)
{
	struct buf why = BUF_INIT;
	unsigned n = 0, first = 0;

	if (p->stop_command.n > 0)
		ret->v[first++] = (struct stopplan_step){
		    0, p->stopwaitsecs * 1000};
	if (p->stop_schedule != NULL)
		n = stopplan_parse(p->stop_schedule, ret->v + first, &why);
	buf_clear(&why);
	ret->n = first + n;
	if (n == 0)
		ret->v[ret->n++] = (struct stopplan_step){
		    (int32_t)p->stopsignal, p->stopwaitsecs * 1000};
	return n > 0 || p->stop_schedule == NULL;
}

int64_t
stopplan_time_ms(const struct conf_process *p)
{
	struct stopplan plan;
	int64_t ms = 0;
	unsigned i;

	stopplan_of(p, &plan);
	for (i = 0; i < plan.n; i++)
		ms += plan.v[i].wait_ms;
	return ms;
}
