/*
 * Time, chance, identity and restart. A signed profile needs libsodium, which this
 * platform takes in with manifest_signatures.json: an image that asks for the one without the other
 * does not build.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "bootloader_random.h"
#include "esp_attr.h"
#include "esp_mac.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "mc.defines.h"
#include "soc/soc_caps.h"

#include "../native/restart.h"
#include "esp32.h"

#if MODDEF_LUMICAST_SIGNED && !MODDEF_LUMICAST_ED25519
#error "a signed profile needs Ed25519: include platforms/esp32/manifest_signatures.json"
#endif

/* The pattern is shown this long before a restart: somebody has to see it. */
enum { FAREWELL_MS = 10000 };

static RTC_NOINIT_ATTR struct restart_record record;
static atomic_bool radio;

uint64_t board_micros(void)
{
  return (uint64_t)esp_timer_get_time();
}

void esp32_radio_on(void)
{
  atomic_store(&radio, true);
}

/*
 * The generator is a good one only while noise is fed to it: by the radio once it is on, before by
 * the ADC, which the bootloader's function turns on. The two must not be on together.
 */
bool board_random(void *into, size_t size)
{
  bool by_radio = atomic_load(&radio);
  if (!by_radio) bootloader_random_enable();
  esp_fill_random(into, size);
  if (!by_radio) bootloader_random_disable();
  return true;
}

void board_eui64(uint8_t eui64[8])
{
#if SOC_IEEE802154_SUPPORTED
  /* Eight bytes: the factory's six with ff:fe between. */
  ESP_ERROR_CHECK(esp_read_mac(eui64, ESP_MAC_IEEE802154));
#else
  uint8_t mac[6];
  ESP_ERROR_CHECK(esp_read_mac(mac, ESP_MAC_EFUSE_FACTORY));
  memcpy(eui64, mac, 3);
  eui64[3] = 0xFF;
  eui64[4] = 0xFE;
  memcpy(eui64 + 5, mac + 3, 3);
#endif
}

static enum restart_cause cause_of(esp_reset_reason_t reason)
{
  switch (reason) {
  case ESP_RST_SW: return RESTART_SOFTWARE;
  case ESP_RST_PANIC: return RESTART_CRASH;
  case ESP_RST_INT_WDT:
  case ESP_RST_TASK_WDT:
  case ESP_RST_WDT: return RESTART_WATCHDOG;
  case ESP_RST_BROWNOUT: return RESTART_BROWNOUT;
  default: return RESTART_POWER;
  }
}

const char *board_restart_reason(void)
{
  static char text[RESTART_REASON_BYTES + RESTART_NOTE_BYTES];
  static const char *reason;
  static bool taken;
  if (!taken) reason = restart_take(&record, cause_of(esp_reset_reason()), text, sizeof text);
  taken = true;
  return reason;
}

void esp32_note(const char *name)
{
  restart_note(&record, name);
}

_Noreturn void board_restart(const char *reason)
{
  enum pattern pattern = pattern_of(reason);
  restart_keep(&record, reason);
  printf("lumicast: restarts: %s\n", reason);
  for (uint32_t slot = 0; pattern != PATTERN_OFF && slot < FAREWELL_MS / PATTERN_SLOT_MS; slot++) {
    esp32_farewell(pattern, slot);
    esp_task_wdt_reset();
    vTaskDelay(pdMS_TO_TICKS(PATTERN_SLOT_MS));
  }
  esp_restart();
}
