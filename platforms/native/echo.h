/*
 * Which multicasts that come in are copies of our own: several devices on one computer share a
 * group by loopback, and then a device hears itself, too. A copy is told by what it is (ports,
 * destination and bytes), for its source address is every device's here; each is swallowed once.
 */
#ifndef LUMICAST_ECHO_H
#define LUMICAST_ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"

enum { ECHO_RECENT_MAX = 16 };

struct echo {
  uint64_t recent[ECHO_RECENT_MAX]; /* identities of multicasts sent; 0: none */
  unsigned at;
};

/* Sent; of no effect unless `to` is a multicast group. */
void echo_sent(struct echo *echo, uint16_t from_port, const uint8_t to[BOARD_ADDRESS_BYTES],
    uint16_t to_port, const void *bytes, size_t size);
/* True once for each that was sent; ask only for datagrams from an address of our own. */
bool echo_returns(struct echo *echo, const struct board_datagram *datagram);

#endif
