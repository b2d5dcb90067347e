/*
 * UART 0 is the radio's side of the world: the control protocol of hosts/medium, JSON lines, as on
 * the unix socket of the headless host. QEMU hands over one byte at a time and only into an empty
 * register, so nothing is lost while the device works, and no interrupt is ever taken: a pending
 * one merely wakes the processor from its sleep.
 */
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "control.h"
#include "host.h"

#define UART ((volatile uint32_t *)0x40004000)
#define NVIC_ENABLE (*(volatile uint32_t *)0xE000E100)
#define NVIC_UNPEND (*(volatile uint32_t *)0xE000E280)

enum { DATA, STATE, CONTROL, INTERRUPT, DIVIDER };
enum { TX_FULL = 1, RX_FULL = 2 };
enum { TX_ON = 1, RX_ON = 2, RX_INTERRUPT_ON = 8, RX_INTERRUPT = 2, RX_IRQ = 0 };
enum { LINE_FIRST_BYTES = 1024, LINE_MAX_BYTES = 32768 };

static struct {
  char *bytes;
  size_t capacity;
} line;

void uart_start(void)
{
  __asm volatile("cpsid i");
  UART[DIVIDER] = 16;
  UART[CONTROL] = TX_ON | RX_ON | RX_INTERRUPT_ON;
  NVIC_ENABLE = 1u << RX_IRQ;
  options.control = "UART 0";
}

static char read_byte(void)
{
  while (!(UART[STATE] & RX_FULL)) {
    __asm volatile("dsb\n wfi");
    UART[INTERRUPT] = RX_INTERRUPT;
    NVIC_UNPEND = 1u << RX_IRQ;
  }
  return (char)UART[DATA];
}

static void make_room(size_t used)
{
  size_t capacity = line.capacity ? line.capacity * 2 : LINE_FIRST_BYTES;
  char *grown;
  if (used < line.capacity) return;
  grown = capacity <= LINE_MAX_BYTES ? realloc(line.bytes, capacity) : NULL;
  if (!grown) die(EXIT_BAD_DATA, "control: a line is longer than %u bytes", (unsigned)used);
  line.bytes = grown;
  line.capacity = capacity;
}

bool control_read(struct message *message)
{
  const char *reason;
  size_t used = 0;
  for (;;) {
    char byte = read_byte();
    if (byte == '\n') break;
    make_room(used);
    line.bytes[used++] = byte;
  }
  if (!control_parse(line.bytes, used, message, &reason))
    die(EXIT_BAD_DATA, "control: bad line: %s: %.*s", reason, (int)(used < 160 ? used : 160),
        line.bytes);
  return true;
}

bool host_write(const char *bytes, size_t size)
{
  while (size--) {
    while (UART[STATE] & TX_FULL) continue;
    UART[DATA] = (uint8_t)*bytes++;
  }
  return true;
}
