/*
 * UDP over IPv6 multicast on Linux: one interface, one socket a local port, the destination address
 * of every datagram known (IPV6_RECVPKTINFO).
 *
 * Multicast loops back so that several devices can run on one computer; udp_receive drops the copy
 * that a device would get of its own, which no board's network stack delivers either. Linux's `lo`
 * carries no IPv6 multicast: without --interface the first other one that can is taken.
 */
#ifndef LUMICAST_UDP_H
#define LUMICAST_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UDP_DATAGRAM_MAX_BYTES = 1500, UDP_SOCKETS_MAX = 10, COAP_PORT = 5683 };

struct udp_datagram {
  uint8_t from[16], to[16];
  uint16_t from_port, to_port;
  uint8_t bytes[UDP_DATAGRAM_MAX_BYTES];
  size_t size;
};

/* Opens port 5683 and those of the options; ends the process with a clear line when it cannot. */
void udp_open(void);
/* Our own unicast address: global or unique local if there is one, else link-local. */
const uint8_t *udp_address(void);
bool udp_join(const uint8_t group[16], bool join);
bool udp_send(const uint8_t to[16], uint16_t port, uint16_t from_port, const uint8_t *bytes,
    size_t size);
/* Open sockets, for poll(). */
unsigned udp_sockets(int sockets[UDP_SOCKETS_MAX]);
/* One datagram; false when there is none. */
bool udp_receive(int socket, struct udp_datagram *datagram);

#endif
