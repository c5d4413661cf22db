/* What became of one program, as the replies of changes say it. */
#ifndef SUPERVISOR_OUTCOME_H
#define SUPERVISOR_OUTCOME_H

#include <stdbool.h>

struct buf;
struct service;

/*
 * Appends `{"name":...,"group":...,"state":...,"pid":...,"changed":...,
 * "ok":...,"message":...}`, a comma in front unless FIRST.  MESSAGE may be
 * NULL: of one that is not OK the reason of its state then.  S may be gone.
 */
void outcome_add(struct buf *b, const struct service *s, bool ok, bool changed,
    const char *message, bool first);

#endif
