/* What the build said of its board, and the status LED. */
#include <stdatomic.h>
#include <string.h>

#include "driver/gpio.h"
#include "esp_timer.h"
#include "sdkconfig.h"

#include "esp32.h"

struct setup esp32_setup = {
  .button = SETUP_NONE, .status = SETUP_NONE, .lamp = SETUP_NONE, .cold = SETUP_NONE,
  .warm = SETUP_NONE, .neopixel = SETUP_NONE, .pixels = 1, .whites = {154, 370},
  .router = true,
};

static atomic_bool flash_failed, network;
static atomic_int said; /* enum pattern */
static esp_timer_handle_t status_timer;

static const struct setup_chip *chip(void)
{
  return setup_chip(CONFIG_IDF_TARGET);
}

const char *board_pin(const char *name, unsigned pin)
{
  return setup_pin(&esp32_setup, chip(), name, pin);
}

void esp32_flash_failed(void)
{
  atomic_store(&flash_failed, true);
}

void esp32_network(bool up)
{
  atomic_store(&network, up);
}

void esp32_indicator(enum pattern pattern)
{
  atomic_store(&said, (int)pattern);
}

/* On the timer task's thread. */
static void show_status(void *unused)
{
  static uint32_t slot;
  uint32_t faults = 0;
  enum pattern pattern;
  (void)unused;
  if (!atomic_load(&network)) faults |= 1u << PATTERN_NETWORK;
  if (atomic_load(&flash_failed)) faults |= 1u << PATTERN_FLASH;
  pattern = pattern_shown(faults, (enum pattern)atomic_load(&said));
  gpio_set_level((gpio_num_t)esp32_setup.status, pattern_lit(pattern, slot++));
}

static bool is_status_output(void)
{
  const gpio_config_t output = {
    .pin_bit_mask = 1ull << esp32_setup.status,
    .mode = GPIO_MODE_OUTPUT,
  };
  return gpio_config(&output) == ESP_OK;
}

static const char *status_open(void)
{
  const esp_timer_create_args_t timer = {.callback = show_status, .name = "status"};
  if (!is_status_output() || esp_timer_create(&timer, &status_timer) != ESP_OK ||
      esp_timer_start_periodic(status_timer, PATTERN_SLOT_MS * 1000) != ESP_OK)
    return "pins: the status LED's driver refuses";
  return NULL;
}

/* A kit without a status LED says it by its lamp, dimly. */
void esp32_farewell(enum pattern pattern, uint32_t slot)
{
  enum { LEVEL = 40, MIRED = 250 };
  bool lit = pattern_lit(pattern, slot);
  if (esp32_setup.status == SETUP_NONE) {
    board_light(lit ? LEVEL : 0, MIRED, -1, -1);
    return;
  }
  if (slot == 0 && status_timer) (void)esp_timer_stop(status_timer);
  if (slot == 0) (void)is_status_output();
  (void)gpio_set_level((gpio_num_t)esp32_setup.status, lit);
}

const char *esp32_ready(const char *role)
{
  const char *fault = setup_finish(&esp32_setup, chip(), role);
  if (!fault && esp32_setup.status != SETUP_NONE) fault = status_open();
  if (!fault && esp32_setup.button != SETUP_NONE) fault = esp32_button_open(esp32_setup.button);
  return fault;
}
