/*
 * The world as config_load() sees it: files, users, environment.
 *
 * Run as root, files that others than root could change are refused.
 */
#ifndef CLI_CONFHOST_H
#define CLI_CONFHOST_H

struct conf_host;

/*
 * Fills HOST for this process: its environment, working directory, host
 * name, and the default directories of its user.  Strings belong to the
 * program and are never freed; call it once.
 */
void confhost_init(struct conf_host *host);

/* The configuration file that is read without -c; caller frees. */
char *confhost_default_file(void);

#endif
