/*
 * A device process on XS 13.3: its parts and what they ask of each other. Shared by the platforms
 * headless (Linux) and cortexm (bare metal in QEMU), which each bring main.c, memory.c, clock.c and
 * what stands under "The platform's" below.
 *
 *   machine.c   root machine, clone, turns        preload.c   root machine -> read-only image
 *   image.c     byte code, module loading         gc.c        XS's collector with a stopwatch
 *   fault.c     XS's aborts -> one line and a distinct exit code
 *   census.c    what the heap is full of
 *   loop.c      who runs next on the medium: events, timers, grants
 *   parse.c     the medium's lines (control.h)    json.c      a reader for them
 *   output.c    what the device tells the outside
 *   random.c    repeatable random numbers
 *   natives_*.c the functions TypeScript sees as the global object lumicastHost
 *   beside this folder: AES-CCM, SHA-256, NOR flash
 *
 * One process is one device, so state that a device has once is static in the file that owns it.
 * XS's public header (xs.h) and its internals (xsAll.h) name the same machine by two types; here it
 * is `void *machine`.
 */
#ifndef LUMICAST_HOST_H
#define LUMICAST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes; 64 and 65 are EX_USAGE and EX_DATAERR of sysexits.h. */
enum {
  EXIT_FAILED_TESTS = 1,
  EXIT_BAD_OPTION = 64,
  EXIT_BAD_DATA = 65,
  EXIT_UNCAUGHT = 70,
  EXIT_OUT_OF_MEMORY = 71,
  EXIT_STACK_OVERFLOW = 72,
  EXIT_POWER_CUT = 73,
  EXIT_RESTART = 75, /* 74 is the emulated board's: a processor fault */
};

enum mode { MODE_RUN, MODE_TEST };

struct options {
  enum mode mode;
  const char *image;
  const char *control;   /* path of the medium's socket, or NULL: stand-alone */
  const char *flash;     /* file, or NULL: flash in memory, gone with the process */
  uint32_t flash_size;
  uint32_t program_bytes;
  const char *provision; /* file, or NULL */
  bool seeded;
  uint64_t seed;
  uint64_t heap;         /* ceiling in bytes, 0: none */
  uint32_t stack_slots;  /* XS value stack, 0: the mode's default */
  bool preload;
  bool compact_root;     /* the root machine is made to be written to flash */
  /* The id of a name of the byte code; `asked`: whether a running program may ask for the name. */
  uint16_t (*new_key)(void *root, const char *name, bool asked);
  void (*strip)(void *root); /* leaves out of a new root what the byte code does not need */
  const char *interface; /* name, or NULL: the first that carries IPv6 multicast */
  uint16_t ports[8];     /* UDP ports to listen on besides 5683 */
  unsigned port_count;
  uint8_t eui64[8];
  bool has_eui64;
};
extern struct options options;

/* memory.c */
enum memory { MEMORY_SLOTS, MEMORY_CHUNKS, MEMORY_STACK, MEMORY_TABLES, MEMORY_AES, MEMORY_KINDS };
void memory_limit(uint64_t bytes); /* counts and limits everything allocated from now on */
/* Until then: slots and chunks of the root machine lie in this block. */
void memory_root_block(uint8_t *block, size_t size);
void memory_root_room(size_t *chunks, size_t *slots); /* what of it is taken */
/* What a device would keep in C beside XS's memory, under the same ceiling. Never NULL. */
void *memory_take(void *machine, size_t size);
void memory_give(void *data);
const char *memory_report(void *machine); /* one line for an out-of-memory exit */

struct usage {
  double live_bytes;     /* slots + chunks after a full collection */
  double peak_bytes;     /* the most slots plus the most chunks in use, garbage included */
  double slots, chunks;  /* live bytes of each */
  double peak_slots, peak_chunks;
  double stack_peak;     /* deepest use of the value stack, bytes */
  double keys;           /* bytes of the key, name, symbol and alias tables */
  double reserved_bytes; /* slots, chunks, stack, tables, AES keys held: what --heap limits */
  double limit_bytes;    /* 0: none */
  double code_bytes;     /* byte code, which a device keeps in flash */
  double root_bytes;     /* slots + chunks of the preloaded image, which a device keeps in flash */
  double gc_count, gc_micros;
  double gc_on_path;     /* collections while a datagram went from the ring to the light port */
};
void memory_usage(void *machine, struct usage *usage);
void memory_root_usage(void *machine); /* notes the preloaded image's size */

/* gc.c */
extern uint64_t gc_count, gc_nanos, gc_on_path;
/* Collects while nobody waits what would otherwise be collected between the ring and the light. */
void gc_between_turns(void *machine);
void gc_path_begin(void);         /* a datagram is taken up */
void gc_path_end(bool at_light);  /* it has come to the light port, or the turn is over */

/* machine.c */
void *machine_start(void); /* evaluates the image; returns the machine in which it shall run */
void *machine_root(void);  /* evaluates the image; sealed: nothing writes to it any more */
void *machine_clone(void *root); /* the machine that runs, with a heap of its own */
void machine_turn_end(void *machine); /* promise jobs, unhandled rejections */
double machine_call_main(void *machine, bool wants_number);
uint32_t machine_stack_slots(void);

/* preload.c */
void preload_seal(void *root); /* the root machine becomes what is flash on a device */

/* image.c */
/* Takes a byte code file, which stays where it is and is changed there; NULL, or what is wrong. */
const char *image_take(const char *name, uint8_t *file, size_t size);
size_t image_code_size(void);
bool image_uses(unsigned operation); /* whether it has that instruction */
size_t image_names_size(void); /* bytes of the names a running program may ask for */
bool image_names(const char *name); /* whether the byte code has this name at all */
void image_found(size_t code_size); /* byte code that lies in ROM already */
/* In order, those in a function behind it; once a machine imported the module. */
void image_each_function(void (*visit)(const void *code, size_t size));
void image_import(void *machine); /* runs the module; its default export becomes `lumicastMain` */

/* fault.c */
_Noreturn void die(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_exception(void *machine); /* the uncaught value in mxException; does not return */

/* natives.c */
void natives_build(void *machine);

/* loop.c */
void loop_boot(void *machine);
void loop_on_medium(void *machine); /* until the medium says stop or is gone */

/* The platform's. */
const char *host_engine(void);  /* as the medium and its summary name it */
uint64_t host_nanos(void);      /* monotonic */
/* Unpredictable bytes, or the end of the process. */
void host_random(uint8_t *bytes, size_t size);
/* To the medium, or to standard output without one; false when it is gone. */
bool host_write(const char *bytes, size_t size);

#endif
