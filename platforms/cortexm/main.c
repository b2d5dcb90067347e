/* What runs on the emulated board: a device, a test or the maker of its image. */
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "clock.h"
#include "device.h"
#include "flash.h"
#include "host.h"
#include "natives.h"
#include "random.h"

enum { FLASH_MADE = 0x31414C46, FLASH_MARK_OFFSET = 0x400000, DEVICE_HEAP_MAX = 196608 };

struct options options = {.preload = true};

const char *host_engine(void)
{
  return "xs 13.3.0 on an emulated Cortex-M4";
}

void host_random(uint8_t *bytes, size_t size)
{
  (void)bytes;
  (void)size;
  die(EXIT_BAD_DATA, "the launcher gave no seed: an emulator has no randomness of its own");
}

/* UDP is for boards whose system brings it; this one has a radio. */
const struct native net_natives[] = {{0}};

void net_attach(void *machine)
{
  (void)machine;
}

void flash_flush(void)
{
}

static void start_flash(const struct handover *handover)
{
  uint32_t *mark = (uint32_t *)(void *)(FLASH_MEMORY + FLASH_MARK_OFFSET);
  bool known = *mark == FLASH_MADE;
  char faults[sizeof handover->faults];
  memcpy(faults, handover->faults, sizeof faults);
  for (char *fault = strtok(faults, " "); fault; fault = strtok(NULL, " "))
    if (!flash_fault(fault)) die(EXIT_BAD_OPTION, "no fault of the flash: %s", fault);
  flash_start(FLASH_MEMORY, handover->flash_size, handover->program_bytes,
      known ? FLASH_WITH_MAP : FLASH_ABSENT);
  *mark = FLASH_MADE;
}

static void take_options(const struct handover *handover)
{
  if (handover->magic != HANDOVER_MAGIC)
    die(EXIT_BAD_OPTION, "nothing was handed over; start this through hosts/cortexm");
  options.mode = handover->run == RUN_TEST ? MODE_TEST : MODE_RUN;
  options.heap = handover->heap;
  options.stack_slots = handover->stack_slots;
  memcpy(options.eui64, handover->eui64, sizeof options.eui64);
  random_seed(handover->seed, handover->eui64);
  if (handover->provisioning_size)
    device_provision((const uint8_t *)(handover + 1), handover->provisioning_size);
}

static void take_byte_code(const struct handover *handover)
{
  const char *problem = image_take("the byte code", BYTE_CODE, handover->byte_code_size);
  if (problem) die(EXIT_BAD_DATA, "the byte code %s", problem);
}

/* A test needs more memory than a device has. */
static void give_more_ram(void)
{
  heap_next = ram_end;
  heap_end = MORE_RAM_END;
}

/* A device's ROM lacks what makes images: it is linked without maker.c. */
#pragma weak image_make
#pragma weak start_unprepared

static bool is_maker(void)
{
  return start_unprepared != NULL;
}

static void *start_machine(void)
{
  void *root = image_root();
  if (root) return machine_clone(root);
  if (!is_maker() || options.mode == MODE_RUN)
    die(EXIT_BAD_DATA, "this program has no image; make it: npm run build cortexm");
  return start_unprepared();
}

int main(void)
{
  const struct handover *handover = HANDOVER;
  bool make = handover->run == RUN_MAKE_IMAGE;
  bool more = make || handover->run == RUN_TEST || handover->heap > DEVICE_HEAP_MAX;
  void *machine;
  clock_resume();
  mpu_protect(is_maker(), more);
  if (more) give_more_ram();
  if (handover->run == RUN_WRITE) *(volatile uint32_t *)handover->argument = 0;
  take_options(handover);
  if (handover->run == RUN_DEVICE) uart_start();
  if (handover->run == RUN_WRITE) return 0;
  if (handover->byte_code_size) take_byte_code(handover);
  if (make && is_maker()) image_make();
  start_flash(handover);
  machine = start_machine();
  if (options.mode == MODE_TEST)
    return machine_call_main(machine, true) > 0 ? EXIT_FAILED_TESTS : 0;
  clock_hold();
  loop_on_medium(machine);
  return 0;
}
