/* What became of one program; see outcome.h. */
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "supervisor/outcome.h"
#include "supervisor/service.h"

/* Its configuration may be gone, the label is not. */
static void
add_names(struct buf *b, const struct service *s)
{
	const char *colon = strrchr(s->label, ':');

	buf_adds(b, "{\"name\":");
	buf_adds_json(b, colon != NULL ? colon + 1 : s->label);
	buf_adds(b, ",\"group\":");
	if (colon != NULL)
		buf_add_json(b, s->label, (size_t)(colon - s->label));
	else
		buf_adds_json(b, s->label);
}

void
outcome_add(struct buf *b, const struct service *s, bool ok, bool changed,
    const char *message, bool first)
{
	char why[512] = "";

	if (message == NULL && !ok && !s->gone) {
		service_reason(s, why, sizeof why);
		message = why[0] != '\0' ? why : NULL;
	}
	if (!first)
		buf_addc(b, ',');
	add_names(b, s);
	buf_addf(b, ",\"state\":\"%s\",\"pid\":",
	    program_state_name(s->prog.state));
	if (s->prog.pid != 0)
		buf_addi(b, s->prog.pid);
	else
		buf_adds(b, "null");
	buf_addf(b, ",\"changed\":%s,\"ok\":%s,\"message\":",
	    changed ? "true" : "false", ok ? "true" : "false");
	buf_adds_json(b, message);
	buf_addc(b, '}');
}
