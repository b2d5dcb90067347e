/* Between esp32_udp.c and esp32_net.c: what only files that know lwIP's types may see. */
#ifndef LUMICAST_ESP32_UDP_H
#define LUMICAST_ESP32_UDP_H

#include <stdint.h>

#include "lwip/ip_addr.h"
#include "lwip/netif.h"

#include "../native/board.h"

/* NULL, or what is wrong. */
const char *esp32_udp_open(const uint16_t *more, unsigned count);

/* On lwIP's thread: the link's interface, or NULL; an address with its zone there. */
struct netif *esp32_netif(void);
void esp32_to_lwip(ip_addr_t *address, const uint8_t bytes[BOARD_ADDRESS_BYTES], struct netif *on);

#endif
