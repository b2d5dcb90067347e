/* What the simulator's network on Windows (net_win.c) needs beside Windows Sockets. */
#ifndef LUMICAST_SIMULATOR_OS_WIN_H
#define LUMICAST_SIMULATOR_OS_WIN_H

#include <stdint.h>

/* The first adapter that is up, is not the loopback, and has IPv6; its preferred address. 0, and no
   address, when there is none. */
uint32_t os_win_adapter(uint8_t address[16]);

#endif
