/*
 * Bytes of configurations, comparison and hashes of them; see also
 * config_encode() and its fellows in conf.h.
 *
 * The bytes: "mpc1"; the distinct strings; the names of the fields in use, of
 * [mpsupd] and of processes; [mpsupd]; the processes; FNV-1a 64 of all that.
 * A record is a list of (field, value) ended by 0, with only those that
 * differ from the default.  Numbers are LEB128, signed ones zigzag; a string
 * is its place in the list, counted from 1, or 0 for NULL.
 */
#ifndef CORE_CONFCODEC_H
#define CORE_CONFCODEC_H

#include <stdbool.h>
#include <stdint.h>

struct conf_main;
struct conf_process;

/* FNV-1a 64 over what of P and M only a restart of P applies. */
uint64_t confcodec_restart_hash(const struct conf_main *m,
    const struct conf_process *p);

#endif
