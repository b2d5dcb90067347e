/* natives_net.c: UDP over IPv6, for a device that runs stand-alone. */
#ifndef LUMICAST_NET_H
#define LUMICAST_NET_H

#include <poll.h>

enum { NET_SOCKETS_MAX = 10 };

/* Fills in the open sockets; returns how many. */
unsigned net_poll(struct pollfd *polls);
/* Reads and delivers what came in on a socket. */
void net_receive(void *machine, int socket);

#endif
