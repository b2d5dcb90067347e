/*
 * UDP over IPv6 multicast on a computer's own network, for the boards that are programs (POSIX
 * sockets: Linux, macOS). The destination address is always known, by IPV6_PKTINFO.
 *
 * Several devices on one computer share port and group (SO_REUSEADDR), so multicasts loop back; a
 * device's own copies are swallowed (echo.h).
 *
 * Linux's loopback interface carries no IPv6 multicast; it is never chosen unless named.
 */
#ifndef LUMICAST_UDP6_H
#define LUMICAST_UDP6_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

enum { UDP6_SOCKETS_MAX = 10 };

/* Opens 5683 and `ports` on `interface` (NULL: the first that carries IPv6 multicast). NULL, or
   what is wrong and what mends it; may be tried again. `opened` hears of every socket, those that
   sending from a new port opens included. */
const char *udp6_open(const char *interface, const uint16_t *ports, unsigned count,
    void (*opened)(int socket));
void udp6_close(void);
/* Zeros while nothing is open. A global or unique local address before a link-local one. */
void udp6_address(uint8_t address[16]);
/* What is joined before anything is open is joined then. False: no multicast group, or refused. */
bool udp6_join(const uint8_t group[16]);
void udp6_leave(const uint8_t group[16]);
bool udp6_send(const uint8_t to[16], uint16_t port, uint16_t from_port, const void *bytes,
    size_t size);
/* The next datagram for us that waits there; all but `micros` is filled in. */
bool udp6_receive(int socket, struct board_datagram *datagram);

#endif
