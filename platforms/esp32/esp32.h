/*
 * What the esp32_*.c files know of each other. Behind them is ESP-IDF 6.0; before them stand
 * platforms/native/board.h, for the machine, and the logic in platforms/native that needs no SDK.
 *
 * Threads: everything runs on the machine's, but for what says so. lwIP's thread copies datagrams
 * into a ring, the button's interrupt edges into another, ESP-IDF's event task and its timer task
 * only post: then a function below runs on the machine's thread.
 */
#ifndef LUMICAST_ESP32_H
#define LUMICAST_ESP32_H

#include <stdbool.h>

#include "../native/board.h"
#include "../native/partition.h"
#include "../native/pattern.h"
#include "../native/uplink.h"
#include "setup.h"

/* Runs on the machine's thread, soon. The event itself is kept by address. False: no room. */
struct esp32_event {
  void (*run)(void);
};
bool esp32_post(const struct esp32_event *event);
bool esp32_post_from_isr(const struct esp32_event *event);

extern struct setup esp32_setup;
/* Once everything is told: what the role needs is there. NULL, or what is missing. */
const char *esp32_ready(const char *role);

/* One of ESP-IDF's (esp_partition_t). Its units are those of flash encryption, on or off. */
enum { ESP32_UNIT_BYTES = 16 };
struct partition esp32_partition(const void *chip);

/* What the watchdog will say it bit in; NULL when the call came back. */
void esp32_note(const char *name);
/* Flash refused: the status LED says so from now on. */
void esp32_flash_failed(void);
void esp32_network(bool up);
/* What the firmware says, where no fault of the board is worse. */
void esp32_indicator(enum pattern pattern);
/* Instead of all that, while a restart waits: one slot of its pattern. */
void esp32_farewell(enum pattern pattern, uint32_t slot);
/* From now on the radio feeds the random number generator. */
void esp32_radio_on(void);

const char *esp32_button_open(int pin);

/* What one pixel chain shows; false when the driver refuses. */
bool esp32_pixels(int pin, unsigned count, const uint8_t rgb[3]);

/*
 * The link below lwIP: esp32_wifi.c or esp32_thread.c. Open: NULL, or what is wrong and what mends
 * it; then it posts events with esp32_uplink, UPLINK_OPEN first. `join` tells it of a group besides
 * lwIP's own membership.
 */
const char *esp32_link_open(void);
void esp32_link_do(enum uplink_action action);
void *esp32_link_netif(void); /* esp_netif_t */
bool esp32_link_join(const uint8_t group[BOARD_ADDRESS_BYTES], bool join);
/* From any thread but an interrupt. */
void esp32_uplink(enum uplink_event event);

#endif
