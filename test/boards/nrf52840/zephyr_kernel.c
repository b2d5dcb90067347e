/* Kernel, pins, lamp, flash, watchdog and resets. */
#include "zephyr.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <zephyr/drivers/flash.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/drivers/pwm.h>
#include <zephyr/drivers/watchdog.h>
#include <zephyr/random/random.h>
#include <zephyr/storage/flash_map.h>
#include <zephyr/sys/atomic.h>
#include <zephyr/sys/reboot.h>

#include "xs.h"
#include "xsHost.h"

const struct device stub_devices[STUB_NODES];
int64_t now_ticks;
jmp_buf rebooted;
bool led_lit, button_down, pwm_broken, flash_lies;
uint32_t pulses[2];
unsigned fed;
uint32_t reset_flags;
struct nor chip;

bool device_is_ready(const struct device *device)
{
  return device >= stub_devices && device < stub_devices + STUB_NODES;
}

int64_t k_uptime_ticks(void)
{
  return now_ticks;
}

uint64_t k_ticks_to_us_floor64(uint64_t ticks)
{
  return ticks;
}

int32_t k_msleep(int32_t ms)
{
  now_ticks += ms * 1000;
  return 0;
}

int sys_csrand_get(void *into, size_t size)
{
  for (size_t i = 0; i < size; i++) ((uint8_t *)into)[i] = (uint8_t)rand();
  return 0;
}

/* Two timers: the one of a second and the one of an eighth. */
static struct k_timer *timers[2];

void k_timer_start(struct k_timer *timer, k_timeout_t first, k_timeout_t period)
{
  (void)first;
  timers[period.ticks == 1000] = timer;
}

void slot(void)
{
  timers[0]->expiry(timers[0]);
}

void beat(void)
{
  timers[1]->expiry(timers[1]);
}

int k_thread_name_set(k_tid_t thread, const char *name)
{
  (void)thread;
  (void)name;
  return 0;
}

const char *k_thread_name_get(k_tid_t thread)
{
  (void)thread;
  return "main_thread";
}

k_tid_t k_current_get(void)
{
  return NULL;
}

void sys_reboot(int type)
{
  (void)type;
  longjmp(rebooted, 1);
}

/* The machine's queue, under a lock: the sockets' thread posts too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static modMessageDeliver queue[QUEUE_MAX];
static unsigned queued;
static bool full;
static int a_machine;
xsMachine *gThe;

void machine_on(bool on)
{
  gThe = on ? (xsMachine *)&a_machine : NULL;
}

void queue_full(bool is_full)
{
  full = is_full;
}

int modMessagePostToMachine(xsMachine *the, uint8_t *message, uint16_t size,
    modMessageDeliver callback, void *refcon)
{
  int result = -2;
  (void)the;
  (void)message;
  (void)size;
  (void)refcon;
  pthread_mutex_lock(&lock);
  if (!full && queued < QUEUE_MAX) {
    queue[queued++] = callback;
    result = 0;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

/* The SDK's says 0 whatever becomes of the message. */
int modMessagePostToMachineFromISR(xsMachine *the, modMessageDeliver callback, void *refcon)
{
  modMessagePostToMachine(the, NULL, 0, callback, refcon);
  return 0;
}

unsigned machine_turn(void)
{
  modMessageDeliver taken[QUEUE_MAX];
  unsigned count;
  pthread_mutex_lock(&lock);
  count = queued;
  memcpy(taken, queue, sizeof taken);
  queued = 0;
  pthread_mutex_unlock(&lock);
  for (unsigned i = 0; i < count; i++) taken[i](gThe, NULL, NULL, 0);
  return count;
}

void atomic_set_bit_to(atomic_t *target, int bit, bool value)
{
  if (value) *target |= 1L << bit;
  else *target &= ~(1L << bit);
}

atomic_val_t atomic_get(const atomic_t *target)
{
  return *target;
}

atomic_val_t atomic_set(atomic_t *target, atomic_val_t value)
{
  atomic_val_t before = *target;
  *target = value;
  return before;
}

static struct gpio_callback *on_button;

bool gpio_is_ready_dt(const struct gpio_dt_spec *spec)
{
  return device_is_ready(spec->port);
}

int gpio_pin_configure_dt(const struct gpio_dt_spec *spec, gpio_flags_t flags)
{
  return flags == (spec->pin == STUB_NODE_lumicast_button ? GPIO_INPUT : GPIO_OUTPUT_INACTIVE) ?
    0 : -EINVAL;
}

int gpio_pin_get_dt(const struct gpio_dt_spec *spec)
{
  return spec->pin == STUB_NODE_lumicast_button ? button_down : led_lit;
}

int gpio_pin_set_dt(const struct gpio_dt_spec *spec, int value)
{
  if (spec->pin == STUB_NODE_lumicast_status) led_lit = value != 0;
  return 0;
}

int gpio_pin_interrupt_configure_dt(const struct gpio_dt_spec *spec, gpio_flags_t flags)
{
  return spec->pin == STUB_NODE_lumicast_button && flags == GPIO_INT_EDGE_BOTH ? 0 : -EINVAL;
}

void gpio_init_callback(struct gpio_callback *callback, gpio_callback_handler_t handler,
    gpio_port_pins_t pins)
{
  *callback = (struct gpio_callback){handler, pins};
}

int gpio_add_callback_dt(const struct gpio_dt_spec *spec, struct gpio_callback *callback)
{
  on_button = callback;
  return spec->pin == STUB_NODE_lumicast_button ? 0 : -EINVAL;
}

void button_interrupt(void)
{
  on_button->handler(&stub_devices[STUB_NODE_lumicast_button], on_button, on_button->pin_mask);
}

bool pwm_is_ready_dt(const struct pwm_dt_spec *spec)
{
  return device_is_ready(spec->dev);
}

int pwm_set_pulse_dt(const struct pwm_dt_spec *spec, uint32_t pulse_ns)
{
  if (pwm_broken || pulse_ns > spec->period) return -EINVAL;
  pulses[spec->channel == STUB_NODE_lumicast_warm] = pulse_ns;
  return 0;
}

int wdt_install_timeout(const struct device *device, const struct wdt_timeout_cfg *timeout)
{
  (void)device;
  return timeout->window.max >= 10000 && timeout->flags == WDT_FLAG_RESET_SOC ? 0 : -EINVAL;
}

int wdt_setup(const struct device *device, uint8_t options)
{
  (void)device;
  return options == WDT_OPT_PAUSE_HALTED_BY_DBG ? 0 : -ENOTSUP;
}

int wdt_feed(const struct device *device, int channel)
{
  (void)device;
  fed++;
  return channel;
}

int hwinfo_get_reset_cause(uint32_t *cause)
{
  *cause = reset_flags;
  return 0;
}

int hwinfo_clear_reset_cause(void)
{
  reset_flags = 0;
  return 0;
}

static struct flash_area area = {.fa_id = 3, .fa_off = 0xB8000, .fa_size = FLASH_BYTES};

int flash_area_open(uint8_t id, const struct flash_area **opened)
{
  *opened = &area;
  return id == area.fa_id ? 0 : -ENOENT;
}

int flash_area_read(const struct flash_area *of, off_t offset, void *into, size_t size)
{
  if (offset < 0 || (size_t)offset + size > of->fa_size) return -EINVAL;
  memcpy(into, chip.bytes + offset, size);
  return 0;
}

int flash_area_write(const struct flash_area *of, off_t offset, const void *bytes, size_t size)
{
  (void)of;
  if (flash_lies) return 0;
  return nor_program(&chip, (uint32_t)offset, bytes, (uint32_t)size) == NOR_OK ? 0 : -EIO;
}

int flash_area_erase(const struct flash_area *of, off_t offset, size_t size)
{
  (void)of;
  if (size != NOR_SECTOR_BYTES) return -EINVAL;
  return nor_erase(&chip, (uint32_t)offset) == NOR_OK ? 0 : -EIO;
}

uint32_t flash_area_align(const struct flash_area *of)
{
  (void)of;
  return 4;
}

const struct device *flash_area_get_device(const struct flash_area *of)
{
  return of->fa_dev;
}

int flash_get_page_info_by_offs(const struct device *device, off_t offset,
    struct flash_pages_info *info)
{
  (void)device;
  *info = (struct flash_pages_info){offset & ~4095, 4096, (uint32_t)offset / 4096};
  return 0;
}
