/* What the simulator needs of an operating system: posix.c with watch_lin.c or watch_mac.c, or
   os_win.c with net_win.c, which also have the clock, chance and network of board.h. */
#ifndef LUMICAST_SIMULATOR_OS_H
#define LUMICAST_SIMULATOR_OS_H

#include <stdbool.h>
#include <stdio.h>

/* The folder in which programs of this person keep their state; NULL when nothing says. */
const char *os_state_folder(void);
/* True when it is there afterwards. */
bool os_make_folder(const char *path);
/* For reading and writing, made when missing; NULL when it cannot be, or another process has it. */
FILE *os_open_alone(const char *path);

#endif
