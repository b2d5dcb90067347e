/*
 * nRF52840 under Zephyr and OpenThread: clock and chance; what is what and why.
 *
 * PROBLEM. 256 KB of RAM hold XS, OpenThread and Zephyr's IP stack; the radio's timing is not to be
 * touched by ours; and nothing of it could be tried on a board here, so little is left to glue.
 *
 * AES is the portable one of platforms/native/aes.c. REJECTED: the ECB peripheral (the 802.15.4
 * driver uses it from its interrupts for frame security, and Zephyr has no arbiter between the two;
 * with its DMA set-up it saves nothing on one block anyway), CryptoCell 310 (its library is a
 * binary of Nordic's, not in Zephyr), PSA (the same software AES behind a key store and a copy of
 * each buffer). There is no data cache, and no foreign code on the chip, that could see table
 * look-ups.
 *
 * Sockets are Zephyr's. REJECTED: OpenThread's own UDP, which tells the destination by itself: with
 * Zephyr's IP stack above it, both would answer for a port, and a unicast that only one of them
 * knows draws an ICMP error from the other.
 *
 * SIGNED PROFILES need Ed25519 and X25519, which Zephyr's Mbed TLS does not have. The manifest's
 * define lumicast.signed says that the installation uses one; then the build ends here, unless it
 * was given platforms/native/signatures.c, a libsodium for it, and the define lumicast.ed25519.
 * REJECTED: PSA, which in nRF Connect SDK has both curves (Oberon). It cannot map the keys of one
 * to the other, and what it says of signatures that no honest signer makes, nobody states.
 */
#include "../native/board.h"

#include <zephyr/kernel.h>
#include <zephyr/random/random.h>

#include "mc.defines.h"

#if MODDEF_LUMICAST_SIGNED && !MODDEF_LUMICAST_ED25519
#error "Signed profiles need native Ed25519 and X25519: add platforms/native/signatures.c and \
libsodium to the build and set defines.lumicast.ed25519 to 1, or set defines.lumicast.signed to 0"
#endif

const char *board_pin(const char *name, unsigned pin)
{
  (void)name;
  (void)pin;
  return "this board's pins are in platforms/nrf52840/pins.overlay; leave `pins` away";
}

uint64_t board_micros(void)
{
  return k_ticks_to_us_floor64((uint64_t)k_uptime_ticks());
}

bool board_random(void *into, size_t size)
{
  return sys_csrand_get(into, size) == 0;
}
