/*
 * A program that runs one module on XS 17 with our bindings linked in: test/sdk/bindings.test.ts
 * builds it with mcconfig -p x-cli-lin. Its board is this process: real clock and chance, flash in
 * memory with NOR's rules, a network in which everything sent comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "xsAll.h"
#include "xs.h"
#include "mc.xs.h"

#include "board.h"
#include "nor.h"

enum { FLASH_BYTES = 65536, UNIT = 16 };

static uint8_t bytes[FLASH_BYTES], used[FLASH_BYTES / UNIT / 8];
static struct nor nor = {.bytes = bytes, .used = used, .size = FLASH_BYTES, .unit = UNIT};

uint64_t board_micros(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* getentropy refuses more than 256 bytes at once: here that is a source that is not ready. */
bool board_random(void *into, size_t size)
{
  return getentropy(into, size) == 0;
}

const char *board_pin(const char *name, unsigned pin)
{
  if (strcmp(name, "button")) return "there is only button";
  return pin < 32 ? NULL : "this chip has pins 0 to 31";
}

const char *board_flash_open(struct board_flash *geometry)
{
  memset(bytes, 0xFF, sizeof bytes);
  memset(used, 0, sizeof used);
  *geometry = (struct board_flash){FLASH_BYTES, NOR_SECTOR_BYTES, UNIT};
  return NULL;
}

bool board_flash_read(uint32_t offset, void *into, size_t size)
{
  memcpy(into, bytes + offset, size);
  return true;
}

bool board_flash_program(uint32_t offset, const void *data, size_t size)
{
  return nor_program(&nor, offset, data, (uint32_t)size) == NOR_OK;
}

bool board_flash_erase(uint32_t offset)
{
  return nor_erase(&nor, offset) == NOR_OK;
}

/* Slots of one sector; one slot only once the spare one begins with a 1. */
static uint8_t slots[4096], slots_used[4096 / UNIT / 8], kept[64];
static struct nor spare = {.bytes = slots, .used = slots_used, .size = 4096, .unit = UNIT};
static uint32_t kept_bytes;
static bool on_trial;

const char *board_slots_open(struct board_flash *geometry)
{
  static bool opened;
  if (!opened) memset(slots, 0xFF, sizeof slots);
  opened = true;
  if (slots[0] == 1) return "there is one slot";
  *geometry = (struct board_flash){4096, 4096, UNIT};
  return NULL;
}

int board_slots_running(void)
{
  return 1;
}

bool board_slots_on_trial(void)
{
  return on_trial;
}

bool board_slots_read(uint32_t offset, void *into, size_t size)
{
  if (offset > 4096 || size > 4096 - offset) return false;
  memcpy(into, slots + offset, size);
  return true;
}

bool board_slots_program(uint32_t offset, const void *data, size_t size)
{
  return nor_program(&spare, offset, data, (uint32_t)size) == NOR_OK;
}

bool board_slots_erase(uint32_t offset)
{
  return nor_erase(&spare, offset) == NOR_OK;
}

bool board_slots_activate(uint32_t size, const uint8_t digest[32])
{
  on_trial = size == 16 && digest[0] == 9 && digest[31] == 9;
  return on_trial;
}

bool board_slots_confirm(void)
{
  bool good = on_trial;
  on_trial = false;
  return good;
}

uint32_t board_kept_size(void)
{
  return kept_bytes;
}

bool board_kept_read(void *into, uint32_t size)
{
  memcpy(into, kept, size);
  return true;
}

bool board_kept_put(const void *data, uint32_t size)
{
  if (size > sizeof kept) return false;
  memcpy(kept, data, size);
  kept_bytes = size;
  return true;
}

const char *board_net_open(const uint16_t *ports, unsigned count)
{
  return count == 1 && ports[0] == 1 ? "port 1 is taken" : NULL;
}

void board_net_address(uint8_t address[BOARD_ADDRESS_BYTES])
{
  memset(address, 0, BOARD_ADDRESS_BYTES);
  address[15] = 1;
}

bool board_net_join(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  return group[0] == 0xFF;
}

void board_net_leave(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  (void)group;
}

/* Boards call board_event_datagram later, from their loop; for the bindings it is all the same. */
bool board_net_send(const uint8_t to[BOARD_ADDRESS_BYTES], uint16_t port, uint16_t from_port,
    const void *data, size_t size)
{
  struct board_datagram back = {.from_port = from_port, .to_port = port, .micros = 77};
  if (size > sizeof back.bytes) return false;
  board_net_address(back.from);
  memcpy(back.to, to, BOARD_ADDRESS_BYTES);
  memcpy(back.bytes, data, size);
  back.size = (uint16_t)size;
  board_event_datagram(&back);
  return true;
}

void board_light(unsigned level, unsigned mired, int x, int y)
{
  printf("light %u %u %d %d\n", level, mired, x, y);
}

bool board_light_failed(void)
{
  return true;
}

void board_eui64(uint8_t eui64[8])
{
  memcpy(eui64, "\2\0\0\0\0\0\0\7", 8);
}

_Noreturn void board_restart(const char *reason)
{
  printf("restart %s\n", reason);
  exit(70);
}

const char *board_restart_reason(void)
{
  return "the watchdog bit";
}

/* print(text) */
void xs_host_print(xsMachine *the)
{
  puts(xsToString(xsArg(0)));
}

/* press(down): an edge of the button, at 5 us */
void xs_host_press(xsMachine *the)
{
  board_event_button(xsTest(xsArg(0)), 5);
}

void fxAbort(txMachine *the, int status)
{
  (void)the;
  printf("abort %d\n", status);
  exit(status ? status : 1);
}

int main(void)
{
  xsMachine *machine = fxPrepareMachine(NULL, xsPreparation(), "bindings", NULL, NULL);
  int status = 1;
  xsBeginHost(machine);
  {
    xsVars(2);
    xsTry {
      xsVar(0) = xsAwaitImport("main", XS_IMPORT_DEFAULT);
      xsVar(1) = xsCallFunction0(xsVar(0), xsGlobal);
      status = xsToInteger(xsVar(1)) == 0 ? 0 : 1;
    }
    xsCatch {
      printf("uncaught %s\n", xsToString(xsException));
    }
  }
  xsEndHost(machine);
  xsDeleteMachine(machine);
  return status;
}
