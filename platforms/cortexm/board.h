/*
 * The emulated board: QEMU's mps2-an386 as a microcontroller with 1 MB of ROM and 256 KB of RAM.
 *
 *   startup.c   vectors, RAM, MPU, faults        semihost.c  exit, printing, newlib's calls
 *   uart.c      UART 0, the radio: the medium's  clock.c     virtual time from counted instructions
 *   image.c     finds the preloaded image         main.c      what runs
 *   maker.c     makes it, strip.c smaller         defaults.c  what the engine brings along
 *   dataview.c  XS's DataView without two-word loads
 *   platforms/native/xs13/host.h: what every XS 13.3 device shares
 */
#ifndef LUMICAST_CORTEXM_BOARD_H
#define LUMICAST_CORTEXM_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cortexm.ld */
extern uint8_t data_start[], data_end[], data_load[], bss_start[], bss_end[];
extern uint8_t image_start[], rom_end[], ram_end[], stack_top[], stack_low[];

#define MORE_RAM_END ((uint8_t *)0x20300000)
#define FLASH_MEMORY ((uint8_t *)0x21000000)
#define BYTE_CODE ((uint8_t *)0x21800000)

/* Written by the launcher (hosts/cortexm), little-endian; the provisioning blob follows. */
enum { HANDOVER_MAGIC = 0x3142434C }; /* "LCB1" */
enum run { RUN_DEVICE, RUN_TEST, RUN_MAKE_IMAGE, RUN_WRITE };
struct handover {
  uint32_t magic;
  uint32_t run;
  uint32_t flash_size;
  uint32_t program_bytes;
  uint64_t seed;
  uint8_t eui64[8];
  uint32_t heap;             /* bytes; beyond 256 KB the MPU lets at more RAM, for tests */
  uint32_t stack_slots;      /* XS value stack, 0: the default */
  uint32_t byte_code_size;   /* RUN_MAKE_IMAGE, and RUN_TEST of a program without an image */
  uint32_t image_at;         /* RUN_MAKE_IMAGE: where the image will lie */
  uint32_t argument;         /* RUN_MAKE_IMAGE: bytes for slots and chunks, 0: as many as fit;
                                RUN_WRITE: the address a test of the MPU writes to */
  uint32_t provisioning_size;
  char faults[128];          /* of the flash: OP:MODE:SEED, separated by blanks */
};
#define HANDOVER ((const struct handover *)0x20300000)

/* startup.c */
void mpu_protect(bool maker, bool more_ram);
uint32_t stack_used(void); /* the most C stack ever in use, bytes */

/* semihost.c */
_Noreturn void semihost_exit(int code);
void semihost_print(const char *text);
/* Writes a file on the host; false when that fails. */
bool semihost_save(const char *path, const void *bytes, size_t size);
extern uint8_t *heap_next, *heap_end; /* what malloc may still have */

/* uart.c */
void uart_start(void);

/* image.c: the root machine in ROM, or NULL when there is none */
void *image_root(void);

/* maker.c: not in a device's ROM */
_Noreturn void image_make(void); /* evaluates the byte code and saves what the ROM shall hold */
void *start_unprepared(void);    /* a machine that evaluates the byte code itself */

#endif
