#ifndef STUB_GPIO_H
#define STUB_GPIO_H
#include <zephyr/kernel.h>
typedef uint8_t gpio_pin_t;
typedef uint16_t gpio_dt_flags_t;
typedef uint32_t gpio_flags_t;
typedef uint32_t gpio_port_pins_t;
struct gpio_dt_spec {
  const struct device *port;
  gpio_pin_t pin;
  gpio_dt_flags_t dt_flags;
};
struct gpio_callback;
typedef void (*gpio_callback_handler_t)(const struct device *port, struct gpio_callback *callback,
    gpio_port_pins_t pins);
struct gpio_callback {
  gpio_callback_handler_t handler;
  gpio_port_pins_t pin_mask;
};
#define GPIO_DT_SPEC_GET(node, property) {&stub_devices[node], node, 0}
#define GPIO_INPUT (1U << 16)
#define GPIO_OUTPUT_INACTIVE (1U << 17)
#define GPIO_INT_EDGE_BOTH (1U << 21)
bool gpio_is_ready_dt(const struct gpio_dt_spec *spec);
int gpio_pin_configure_dt(const struct gpio_dt_spec *spec, gpio_flags_t flags);
int gpio_pin_get_dt(const struct gpio_dt_spec *spec);
int gpio_pin_set_dt(const struct gpio_dt_spec *spec, int value);
int gpio_pin_interrupt_configure_dt(const struct gpio_dt_spec *spec, gpio_flags_t flags);
void gpio_init_callback(struct gpio_callback *callback, gpio_callback_handler_t handler,
    gpio_port_pins_t pins);
int gpio_add_callback_dt(const struct gpio_dt_spec *spec, struct gpio_callback *callback);
#endif
