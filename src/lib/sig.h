/* Signals of a process that wants none of what it inherited. */
#ifndef LIB_SIG_H
#define LIB_SIG_H

/* Every signal, those that the C library keeps for itself included, gets its
 * default action: nothing stays ignored. */
void signals_default(void);

#endif
