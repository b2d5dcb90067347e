/*
 * A push button to ground. The interrupt notes every edge; modules/lighting/contact.ts tells the
 * bounces from presses.
 */
#include "driver/gpio.h"
#include "esp_timer.h"

#include "../native/edges.h"
#include "esp32.h"

static struct edges edges;
static gpio_num_t pin;

static struct edge now(void)
{
  return (struct edge){(uint64_t)esp_timer_get_time(), gpio_get_level(pin) == 0};
}

static void deliver(void)
{
  struct edge edge;
  while (edges_take(&edges, now(), &edge)) board_event_button(edge.down, edge.micros);
}

static const struct esp32_event edges_there = {deliver};

static void on_edge(void *unused)
{
  (void)unused;
  if (edges_put(&edges, now()) && !esp32_post_from_isr(&edges_there)) edges_wake_failed(&edges);
}

const char *esp32_button_open(int number)
{
  const gpio_config_t input = {
    .pin_bit_mask = 1ull << number,
    .mode = GPIO_MODE_INPUT,
    .pull_up_en = GPIO_PULLUP_ENABLE,
    .intr_type = GPIO_INTR_ANYEDGE,
  };
  esp_err_t service;
  edges_open(&edges);
  pin = (gpio_num_t)number;
  if (gpio_config(&input) != ESP_OK) return "pins: the button's pin cannot be an input";
  /* Another driver may have installed the service: that does as well. */
  service = gpio_install_isr_service(0);
  if (service != ESP_OK && service != ESP_ERR_INVALID_STATE)
    return "pins: the button gets no interrupt";
  if (gpio_isr_handler_add(pin, on_edge, NULL) != ESP_OK)
    return "pins: the button gets no interrupt";
  return NULL;
}
