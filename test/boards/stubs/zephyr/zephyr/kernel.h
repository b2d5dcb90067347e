#ifndef STUB_KERNEL_H
#define STUB_KERNEL_H
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <zephyr/devicetree.h>

#define BUILD_ASSERT(condition, text) _Static_assert(condition, text)
#define BIT(n) (1UL << (n))
#define CODE_UNREACHABLE __builtin_unreachable()
#define __noinit __attribute__((section(".noinit")))
#define CONFIG_ZVFS_POLL_MAX 8
#define CONFIG_NET_MAX_CONTEXTS 9

struct device {
  const char *name;
};
extern const struct device stub_devices[]; /* by node */
#define DEVICE_DT_GET(node) (&stub_devices[node])
bool device_is_ready(const struct device *device);

typedef struct {
  int64_t ticks;
} k_timeout_t;
#define K_MSEC(ms) ((k_timeout_t){ms})
#define K_NO_WAIT ((k_timeout_t){0})
int64_t k_uptime_ticks(void);
uint64_t k_ticks_to_us_floor64(uint64_t ticks);
int32_t k_msleep(int32_t ms);

struct k_timer;
typedef void (*k_timer_expiry_t)(struct k_timer *timer);
typedef void (*k_timer_stop_t)(struct k_timer *timer);
struct k_timer {
  k_timer_expiry_t expiry;
};
#define K_TIMER_DEFINE(name, on_expiry, on_stop) struct k_timer name = {on_expiry}
void k_timer_start(struct k_timer *timer, k_timeout_t first, k_timeout_t period);

struct k_thread {
  int stub;
};
typedef struct k_thread *k_tid_t;
typedef char k_thread_stack_t;
typedef void (*k_thread_entry_t)(void *a, void *b, void *c);
#define K_THREAD_STACK_DEFINE(name, size) k_thread_stack_t name[size]
#define K_THREAD_STACK_SIZEOF(name) sizeof(name)
k_tid_t k_thread_create(struct k_thread *thread, k_thread_stack_t *stack, size_t size,
    k_thread_entry_t entry, void *a, void *b, void *c, int priority, uint32_t options,
    k_timeout_t delay);
int k_thread_name_set(k_tid_t thread, const char *name);
const char *k_thread_name_get(k_tid_t thread);
k_tid_t k_current_get(void);
#endif
