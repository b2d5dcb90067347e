/*
 * ESP-IDF's partitions, its otadata and the boot loader that reads it, over the model of NOR flash:
 * what esp32_slots.c and esp32_flash.c call, as ESP-IDF v6.0 does it (components/app_update/
 * esp_ota_ops.c, components/bootloader_support/src/bootloader_utility.c and bootloader_common.c)
 * with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE and no factory partition. The partitions are small.
 *
 * unit_slots.c passed as well, with five seeds, over those files themselves (v6.0, 662a3be3),
 * compiled for this computer with flash, CRC and the check of an image from here.
 */
#ifndef LUMICAST_BOARDS_ESP32_OTA_H
#define LUMICAST_BOARDS_ESP32_OTA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../platforms/native/nor.h"

enum { OTA_SLOT_BYTES = 3 * NOR_SECTOR_BYTES, OTA_IMAGE_BYTES = 9000 };
enum ota_end { OTA_DONE, OTA_CUT, OTA_RESTARTED };

extern struct nor ota_flash;
/* What a start finds besides two slots. */
extern bool ota_has_one_slot;

/* As the factory leaves it: `image` in ota_0, otadata and the rest erased. */
void ota_factory(const uint8_t *image);
/* An application of OTA_IMAGE_BYTES that the boot loader starts; each `fill` is another. */
void ota_image(uint8_t fill, uint8_t *image);
/* Runs until it is done, the power fails or the firmware restarts. */
enum ota_end ota_until(void (*run)(void));
/* The boot loader: which slot's application it starts, -1: none. May end in a cut. */
int ota_boot(void);
/* The fill of what runs. */
uint8_t ota_runs(void);
/* Whether a slot's application is whole. */
bool ota_is_whole(int slot);
/* An entry of otadata as nobody writes it. */
void ota_put_entry(int at, uint32_t seq, uint32_t state);

#endif
