/*
 * Asking whether a program is ready, or well: once, without waiting.
 *
 * When to ask, how often, and what follows is the caller's business; so is to
 * have one probe of a program under way at most.  A supervisor that is killed
 * forgets what it asked, and the next one asks again.
 */
#ifndef SUPERVISOR_PROBE_H
#define SUPERVISOR_PROBE_H

#include <stdbool.h>

struct conf_process;
struct probe;
struct probe_spec;
struct supervisor;

/* The answer.  WHY is a few words for people, valid during the call: "HTTP
 * 503", "exit code 1", "Connection refused", "no answer in 5 s". */
typedef void probe_fn(void *arg, bool ok, const char *why);

/*
 * Asks once, as SPEC says (PROBE_TCP, PROBE_UNIX, PROBE_HTTP or PROBE_EXEC;
 * borrowed until this returns).  DONE is called once, from the loop and never
 * from inside here; the probe is gone by then.  No answer in TIMEOUT_S seconds
 * (> 0) is one: false.
 *
 * NULL with errno when it could not be asked for want of descriptors, memory
 * or processes: that says nothing about the program.
 *
 * PROBE_EXEC: the command runs as C does (helper.h), its output goes to
 * /dev/null.
 */
struct probe *probe_start(struct supervisor *sup,
    const struct conf_process *c, const struct probe_spec *spec,
    double timeout_s, probe_fn *done, void *arg);

/* Forgets P; DONE is not called any more. */
void probe_cancel(struct probe *p);

#endif
