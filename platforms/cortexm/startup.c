/* From reset to main, the MPU, and what is said when the processor refuses something. */
#include "board.h"

#include <stdio.h>
#include <string.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CPACR REGISTER(0xE000ED88)
#define SHCSR REGISTER(0xE000ED24)
#define CFSR REGISTER(0xE000ED28)
#define HFSR REGISTER(0xE000ED2C)
#define MMFAR REGISTER(0xE000ED34)
#define BFAR REGISTER(0xE000ED38)
#define MPU_CTRL REGISTER(0xE000ED94)
#define MPU_RNR REGISTER(0xE000ED98)
#define MPU_RBAR REGISTER(0xE000ED9C)
#define MPU_RASR REGISTER(0xE000EDA0)

enum { PAINT = 0xDEADBEEF, EXIT_FAULT = 74 };

int main(void);
void reset(void);

/* Access permissions of an MPU region; execution is allowed only from ROM. */
enum access { READ_ONLY = 6, READ_WRITE = 3, NEVER_RUN = 1 << 4 };

static void region(uint32_t number, uint32_t base, unsigned log2_size, uint32_t access)
{
  MPU_RNR = number;
  MPU_RBAR = base;
  MPU_RASR = (access & NEVER_RUN ? 1u << 28 : 0) | (access & 7u) << 24 | 1u << 17 |
             (log2_size - 1) << 1 | 1;
}

/* The program that makes images has its code beyond the ROM it writes. */
void mpu_protect(bool maker, bool more_ram)
{
  region(0, 0x00000000, maker ? 22 : 20, maker ? READ_WRITE : READ_ONLY);
  region(1, 0x20000000, more_ram ? 22 : 18, READ_WRITE | NEVER_RUN);
  region(2, 0x20300000, 20, READ_ONLY | NEVER_RUN);   /* handover */
  region(3, 0x21000000, 24, READ_WRITE | NEVER_RUN);  /* flash partition */
  region(4, 0x40000000, 20, READ_WRITE | NEVER_RUN);  /* UART and counter */
  SHCSR |= 7u << 16;                                  /* faults of their own kind */
  MPU_CTRL = 1;
  __asm volatile("dsb\n isb");
}

static void paint_stack(void)
{
  uint32_t *end = (uint32_t *)__builtin_frame_address(0) - 16;
  for (uint32_t *p = (uint32_t *)stack_low; p < end; p++) *p = PAINT;
}

uint32_t stack_used(void)
{
  const uint32_t *p = (const uint32_t *)stack_low;
  while (*p == PAINT) p++;
  return (uint32_t)(stack_top - (const uint8_t *)p);
}

void reset(void)
{
  CPACR |= 0xFu << 20; /* floating point */
  __asm volatile("dsb\n isb");
  memcpy(data_start, data_load, (size_t)(data_end - data_start));
  memset(bss_start, 0, (size_t)(bss_end - bss_start));
  paint_stack();
  semihost_exit(main());
}

static const char *reason(uint32_t status)
{
  if (status & 0x02) return "an access the MPU refuses";
  if (status & 0x01) return "a jump to where no code may run";
  if (status & 0x18) return "the C stack is full";
  if (status & 0x8200) return "an access to an address where nothing is";
  if (status & 0x0200) return "a bus error";
  if (status & 0x10000) return "an instruction that does not exist";
  if (status & 0x1000000) return "a two-word access to an odd address";
  if (status & 0x2000000) return "a division by zero";
  return "a processor fault";
}

static void __attribute__((used)) report(const uint32_t *frame)
{
  char text[160];
  uint32_t status = CFSR;
  uint32_t address = status & 0x80 ? MMFAR : status & 0x8000 ? BFAR : 0;
  bool stacked = (const uint8_t *)frame >= stack_low && (const uint8_t *)frame < stack_top;
  snprintf(text, sizeof text, "lumicast: fault: %s; address %08lx, at %08lx, called from %08lx, "
      "CFSR %08lx, HFSR %08lx\n", reason(status), (unsigned long)address,
      (unsigned long)(stacked ? frame[6] : 0), (unsigned long)(stacked ? frame[5] : 0),
      (unsigned long)status, (unsigned long)HFSR);
  MPU_CTRL = 0;
  semihost_print(text);
  semihost_exit(EXIT_FAULT);
}

/* The stack may be what is broken: the report gets one of its own, at the bottom of the old. */
static void __attribute__((naked)) fault(void)
{
  __asm volatile("mrs r0, msp\n ldr r1, =stack_top\n msr msp, r1\n b report");
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const handler vectors[16 + 32] = {
  (handler)(uintptr_t)stack_top, reset, fault, fault, fault, fault, fault,
};
