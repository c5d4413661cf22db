/* `restart --rolling[=N] NAME...`, with its progress on a terminal. */
#ifndef CLI_ROLLING_H
#define CLI_ROLLING_H

struct cli;

/* Returns the exit code. */
int rolling_restart(struct cli *cli);

#endif
