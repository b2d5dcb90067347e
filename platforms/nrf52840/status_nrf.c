/* The status LED (pattern.h says what it says) and the push button: pins.overlay's aliases
   lumicast-status and lumicast-button. */
#include <zephyr/devicetree.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/atomic.h>

#include "../native/board.h"
#include "../native/edges.h"
#include "nrf.h"

BUILD_ASSERT(DT_NODE_EXISTS(DT_ALIAS(lumicast_status)) && DT_NODE_EXISTS(DT_ALIAS(lumicast_button)),
    "no alias lumicast-status or lumicast-button: is pins.overlay in zephyrOverlay?");

static const struct gpio_dt_spec led = GPIO_DT_SPEC_GET(DT_ALIAS(lumicast_status), gpios);
static const struct gpio_dt_spec button = GPIO_DT_SPEC_GET(DT_ALIAS(lumicast_button), gpios);

static struct edges edges;
static struct gpio_callback on_button;
static atomic_t faults; /* a bit each */
static atomic_t said;   /* enum pattern */

void nrf_status(enum pattern pattern, bool on)
{
  atomic_set_bit_to(&faults, (int)pattern, on);
}

void nrf_indicator(enum pattern pattern)
{
  atomic_set(&said, (atomic_val_t)pattern);
}

static void on_slot(struct k_timer *timer)
{
  static uint32_t slot;
  enum pattern own = (enum pattern)atomic_get(&said);
  (void)timer;
  gpio_pin_set_dt(&led, pattern_lit(pattern_shown((uint32_t)atomic_get(&faults), own), slot++));
}

K_TIMER_DEFINE(slots, on_slot, NULL);

static struct edge level(void)
{
  return (struct edge){board_micros(), gpio_pin_get_dt(&button) > 0};
}

static void on_edge(const struct device *port, struct gpio_callback *callback,
    gpio_port_pins_t pins)
{
  (void)port;
  (void)callback;
  (void)pins;
  if (edges_put(&edges, level()) && !nrf_wake_from_interrupt()) edges_wake_failed(&edges);
}

void nrf_button_deliver(void)
{
  struct edge edge;
  while (edges_take(&edges, level(), &edge)) board_event_button(edge.down, edge.micros);
}

/* A pin that does not obey is told by the LED, if that one does; the lamp works by radio. */
static int start_contacts(void)
{
  bool good = gpio_is_ready_dt(&led) && gpio_pin_configure_dt(&led, GPIO_OUTPUT_INACTIVE) == 0;
  edges_open(&edges);
  gpio_init_callback(&on_button, on_edge, BIT(button.pin));
  good = gpio_is_ready_dt(&button) && gpio_pin_configure_dt(&button, GPIO_INPUT) == 0 &&
    gpio_add_callback_dt(&button, &on_button) == 0 &&
    gpio_pin_interrupt_configure_dt(&button, GPIO_INT_EDGE_BOTH) == 0 && good;
  nrf_status(PATTERN_SETUP, !good);
  k_timer_start(&slots, K_MSEC(PATTERN_SLOT_MS), K_MSEC(PATTERN_SLOT_MS));
  return 0;
}

SYS_INIT(start_contacts, APPLICATION, 80);
