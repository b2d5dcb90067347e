/*
 * Restarts and their reasons. The record is in RAM that start-up does not clear (.noinit): a
 * software reset and the watchdog's leave it as it is, a power-up does not, which its CRC shows.
 * What the hardware says of the reset goes before what the record says.
 */
#include "../native/board.h"

#include <stdio.h>

#include <zephyr/drivers/hwinfo.h>
#include <zephyr/drivers/watchdog.h>
#include <zephyr/fatal.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/reboot.h>

#include "../native/restart.h"
#include "nrf.h"

/* Longer than a store's formatting, 64 erases of 85 ms, in one turn of the machine. */
enum { WATCHDOG_MS = 16000, SHOWN_MS = 4000 };

static __noinit struct restart_record record;
static char text[RESTART_REASON_BYTES + RESTART_NOTE_BYTES];
static const char *reason;
static const struct device *const watchdog = DEVICE_DT_GET(DT_ALIAS(watchdog0));
static int channel = -1;

void nrf_note(const char *name)
{
  restart_note(&record, name);
}

void nrf_watchdog_feed(void)
{
  if (channel >= 0) wdt_feed(watchdog, channel);
}

static enum restart_cause cause(void)
{
  uint32_t flags = 0;
  if (hwinfo_get_reset_cause(&flags)) return RESTART_POWER;
  hwinfo_clear_reset_cause(); /* they add up otherwise */
  if (flags & RESET_WATCHDOG) return RESTART_WATCHDOG;
  if (flags & RESET_CPU_LOCKUP) return RESTART_CRASH;
  if (flags & RESET_BROWNOUT) return RESTART_BROWNOUT;
  return flags & RESET_SOFTWARE ? RESTART_SOFTWARE : RESTART_POWER;
}

static int read_reason(void)
{
  reason = restart_take(&record, cause(), text, sizeof text);
  return 0;
}

SYS_INIT(read_reason, APPLICATION, 60);

/* Before XS, so that a boot that hangs restarts too. Not under xsbug, where a breakpoint holds the
   machine's thread for as long as a person thinks. */
static int start_watchdog(void)
{
#ifndef mxDebug
  const struct wdt_timeout_cfg timeout = {
    .window = {.min = 0, .max = WATCHDOG_MS}, .flags = WDT_FLAG_RESET_SOC,
  };
  if (!device_is_ready(watchdog)) return -ENODEV;
  channel = wdt_install_timeout(watchdog, &timeout);
  if (channel >= 0 && wdt_setup(watchdog, WDT_OPT_PAUSE_HALTED_BY_DBG)) channel = -1;
#endif
  return 0;
}

SYS_INIT(start_watchdog, APPLICATION, 70);

const char *board_restart_reason(void)
{
  return reason;
}

_Noreturn void board_restart(const char *why)
{
  enum pattern pattern = pattern_of(why);
  restart_keep(&record, why);
  nrf_status(pattern, true);
  if (pattern != PATTERN_OFF) k_msleep(SHOWN_MS);
  sys_reboot(SYS_REBOOT_COLD);
  CODE_UNREACHABLE;
}

/* A fault or a failed assertion in any thread, in place of Zephyr's, which stops for ever. */
void k_sys_fatal_error_handler(unsigned int fault, const struct arch_esf *frame)
{
  char line[RESTART_REASON_BYTES];
  const char *name = k_thread_name_get(k_current_get());
  (void)frame;
  snprintf(line, sizeof line, "crash: Zephyr's fault %u in thread %s", fault, name ? name : "?");
  restart_keep(&record, line);
  sys_reboot(SYS_REBOOT_COLD);
}
