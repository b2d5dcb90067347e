/*
 * What a board under the Moddable SDK (simulator, esp32, nrf52840) gives to the bindings in
 * platforms/moddable. One implementation a board; no SDK type comes through here, so what lies
 * behind it can be tested on a computer.
 *
 * Every function is called on the XS machine's thread. What arrives on another thread (lwIP's, the
 * radio's, an interrupt) goes through a ring (ring.h) and is handed over by board_event.
 */
#ifndef LUMICAST_BOARD_H
#define LUMICAST_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOARD_ADDRESS_BYTES = 16, BOARD_DATAGRAM_BYTES_MAX = 1280 };

/* One of mcconfig's `pins` (platforms/moddable/config.ts), told before anything else is asked of
   the board. NULL, or what is wrong with it and what mends it: a name this board has no use for, a
   number its chip does not have. A board without pins to choose refuses each. */
const char *board_pin(const char *name, unsigned pin);

/* Monotonic microseconds since boot. */
uint64_t board_micros(void);

/* Cryptographic randomness; false when the source is not ready: then nothing may be made of it. */
bool board_random(void *into, size_t size);

/* The store's partition (modules/ports/flash.ts). Opening: NULL, or what is wrong and what mends
   it. A program unit is programmed once per erase; what is refused or reads back otherwise is
   false. */
struct board_flash {
  uint32_t size, erase_bytes, program_bytes;
};
const char *board_flash_open(struct board_flash *geometry);
bool board_flash_read(uint32_t offset, void *into, size_t size);
bool board_flash_program(uint32_t offset, const void *bytes, size_t size);
bool board_flash_erase(uint32_t offset);

/*
 * Two firmware slots (modules/ports/slots.ts), where a board has them; platforms/moddable/slots.ts
 * is taken in by those alone. Opening: NULL and the spare slot's geometry, or why there is one slot
 * only. While the one that runs is on trial nothing touches the spare one: it is the way back.
 */
const char *board_slots_open(struct board_flash *geometry);
int board_slots_running(void); /* 0 or 1 */
bool board_slots_on_trial(void);
bool board_slots_read(uint32_t offset, void *into, size_t size);
bool board_slots_program(uint32_t offset, const void *bytes, size_t size);
bool board_slots_erase(uint32_t offset);
/* False when the spare slot's image does not have this SHA-256, or the boot loader refuses it. */
bool board_slots_activate(uint32_t size, const uint8_t digest[32]);
bool board_slots_confirm(void);
/* The device's provisioning, which an image for many does not hold. 0: none is kept. */
uint32_t board_kept_size(void);
bool board_kept_read(void *into, uint32_t size);
bool board_kept_put(const void *bytes, uint32_t size);

/* IPv6 UDP (modules/ports/datagram.ts). `ports` are bound besides 5683. Opening: NULL, or what is
   wrong and what mends it; without a network it succeeds, and joins are made when one comes. */
struct board_datagram {
  uint8_t from[BOARD_ADDRESS_BYTES], to[BOARD_ADDRESS_BYTES];
  uint16_t from_port, to_port;
  uint16_t size;
  uint64_t micros; /* when it arrived */
  uint8_t bytes[BOARD_DATAGRAM_BYTES_MAX];
};
const char *board_net_open(const uint16_t *ports, unsigned count);
/* Our unicast address: mesh-local or global, link-local where there is no other, else zeros. */
void board_net_address(uint8_t address[BOARD_ADDRESS_BYTES]);
bool board_net_join(const uint8_t group[BOARD_ADDRESS_BYTES]);
void board_net_leave(const uint8_t group[BOARD_ADDRESS_BYTES]);
bool board_net_send(const uint8_t to[BOARD_ADDRESS_BYTES], uint16_t port, uint16_t from_port,
    const void *bytes, size_t size);

/* The lamp (modules/ports/light.ts). x < 0: no colour coordinates. */
void board_light(unsigned level, unsigned mired, int x, int y);
bool board_light_failed(void);

/* The factory's EUI-64, as on the label. */
void board_eui64(uint8_t eui64[8]);

/* Restarts after a fatal error; the reason is kept over the restart and told at the next boot. */
_Noreturn void board_restart(const char *reason);
/* The kept reason, or NULL. A watchdog's restart counts as one. */
const char *board_restart_reason(void);

/* The other way: platforms/moddable defines these, the board calls them on the machine's thread. */
void board_event_datagram(const struct board_datagram *datagram);
void board_event_button(bool down, uint64_t micros);

#endif
