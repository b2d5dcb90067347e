/*
 * What a build says of its board, checked: pins against the chip, the lamp's wiring, the network's
 * credentials. No SDK in here, so it is tested on a computer, and a pin that the flash chip hangs
 * on is refused before it is touched.
 *
 * pins (mcconfig pins=button:9,neopixel:8):
 *   button    push button to ground; the chip's pull-up is on
 *   status    status LED, lit when high (platforms/native/pattern.h)
 *   lamp      one white channel, PWM
 *   cold,warm two white channels, PWM
 *   neopixel  data line of WS2812 or SK6812; `pixels` says how many, 1 when left out
 * settings (mcconfig ssid=... or dataset=...):
 *   ssid, password   Wi-Fi (esp32, s3, c3); without ssid no network
 *   dataset          Thread operational dataset in hex (c6, h2); without it the one that was kept
 *   router           1, the default: may become a Thread router; 0: an end device that listens
 *   whites           cold and warm white in mired, 154-370 when left out
 * With no pin given, those of Espressif's development kit: its button, and its LED as the lamp.
 */
#ifndef LUMICAST_ESP32_SETUP_H
#define LUMICAST_ESP32_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "../native/colour.h"
#include "../native/dataset.h"

enum { SETUP_NONE = -1, SETUP_PIXELS_MAX = 64, SETUP_SSID_MAX = 32, SETUP_PASSWORD_MAX = 63 };

struct setup_chip {
  const char *name;
  uint64_t pins;    /* usable: there, and neither the flash's nor the strapping of its supply */
  uint64_t outputs; /* of these, which can drive something */
  int button, lamp, neopixel; /* of the chip's development kit, when a build says no pin at all */
};
/* esp32, esp32s3, esp32c3, esp32c6, esp32h2; NULL for any other. */
const struct setup_chip *setup_chip(const char *name);

struct setup {
  int button, status, lamp, cold, warm, neopixel; /* SETUP_NONE where there is none */
  unsigned pixels;
  struct colour_whites whites;
  char ssid[SETUP_SSID_MAX + 1], password[SETUP_PASSWORD_MAX + 1];
  uint8_t dataset[DATASET_BYTES_MAX];
  unsigned dataset_bytes;
  bool router;
};

void setup_clear(struct setup *setup);
/* NULL, or what is wrong and what mends it. */
const char *setup_pin(struct setup *setup, const struct setup_chip *chip, const char *name,
    unsigned pin);
const char *setup_text(struct setup *setup, const char *name, const char *text);

/* After all pins: the kit's where none was given; then what the role needs is there, or NULL is not
   returned. `role` is "", luminaire, switch, presence or daylight. */
const char *setup_finish(struct setup *setup, const struct setup_chip *chip, const char *role);

#endif
