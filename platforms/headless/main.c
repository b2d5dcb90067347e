/*
 * lumicast: runs Lumicast's firmware on the XS engine without a board.
 *
 *   main.c      command line                      memory.c    allocators with a hard ceiling
 *   files.c     byte code, provisioning, flash    clock.c     virtual or real time, costs
 *   control.c   the medium's socket               alone.c     without a medium
 *   compile.c   parser, source map (to compile)
 *   platforms/native/xs13/host.h: what every XS 13.3 device shares
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>
#include <unistd.h>

#include "flash.h"
#include "host.h"
#include "linux.h"
#include "random.h"

/* 734 were seen used: keys of a signed group come over DTLS. The SDK's boards say their own. */
enum { STACK_SLOTS_RUN = 1024 };

static const char usage_text[] =
  "usage: lumicast compile IN.js OUT.xsb     bundle to byte code\n"
  "       lumicast run IMAGE.xsb [option...]  one device\n"
  "       lumicast test SUITE.xsb [option...] the default export returns the number of failures\n"
  "options:\n"
  "  --control PATH      the medium's unix socket: it grants time and carries frames\n"
  "  --interface NAME    stand-alone: network interface for UDP (default: the first that can)\n"
  "  --port N            stand-alone: listen on this UDP port, too (besides 5683)\n"
  "  --flash FILE        the flash partition (default: in memory)\n"
  "  --flash-size BYTES  default 65536            --program 4|16  program unit, default 4\n"
  "  --fault OP:MODE:SEED  power cut at flash operation OP: not, torn or done; may be repeated\n"
  "  --slots FILE        two firmware slots; IMAGE.xsb is put into the first when FILE is new\n"
  "  --slot-size BYTES   default 1048576          --slot-fault OP:MODE:SEED  as --fault\n"
  "  --provision FILE    this device's part of the installation\n"
  "  --eui64 HEX         16 digits, default 0200000000000001\n"
  "  --seed N            repeatable random numbers (no secrets!)\n"
  "  --heap BYTES        ceiling for slots + chunks + stack + key tables + AES keys\n"
  "  --stack SLOTS       value stack, default 1024 (test: 8192)\n"
  "  --no-preload        evaluate and run in one machine\n";

struct options options = {
  .flash_size = 65536,
  .program_bytes = 4,
  .preload = true,
  .eui64 = {2, 0, 0, 0, 0, 0, 0, 1},
};

_Noreturn static void bad_option(const char *what, const char *value)
{
  fprintf(stderr, "lumicast: %s%s%s\n%s", what, value ? ": " : "", value ? value : "", usage_text);
  exit(EXIT_BAD_OPTION);
}

static uint64_t whole(const char *name, const char *text, uint64_t max)
{
  char *end;
  uint64_t value;
  errno = 0;
  value = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || errno || value > max) bad_option(name, text);
  return value;
}

static void parse_eui64(const char *text)
{
  char *end;
  uint64_t value = strtoull(text, &end, 16);
  if (strlen(text) != 16 || *end || strspn(text, "0123456789abcdefABCDEF") != 16)
    bad_option("--eui64 takes 16 hexadecimal digits", text);
  for (int i = 7; i >= 0; i--, value >>= 8) options.eui64[i] = (uint8_t)value;
}

/* Counts how often this process started anew, for what must not be the same again. */
static const char *const STARTS = "LUMICAST_STARTS";
static char **all_words;
static const char *slots_path;
static uint32_t slot_size = 1 << 20;

static unsigned starts(void)
{
  const char *text = getenv(STARTS);
  return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

_Noreturn void host_restart(const char *why)
{
  char count[16];
  if (options.control) die(EXIT_RESTART, "%s", why);
  fprintf(stderr, "lumicast: starts anew: %s\n", why);
  fflush(stdout);
  flash_flush();
  snprintf(count, sizeof count, "%u", starts() + 1);
  setenv(STARTS, count, 1);
  execv("/proc/self/exe", all_words);
  die(EXIT_UNCAUGHT, "cannot start anew: %s", strerror(errno));
}

static void number_option(const char *name, const char *value)
{
  if (!strcmp(name, "--seed")) {
    options.seed = whole(name, value, UINT64_MAX);
    options.seeded = true;
  } else if (!strcmp(name, "--heap")) {
    options.heap = whole(name, value, UINT32_MAX);
  } else if (!strcmp(name, "--stack")) {
    options.stack_slots = (uint32_t)whole(name, value, 1 << 20);
  } else if (!strcmp(name, "--flash-size")) {
    options.flash_size = (uint32_t)whole(name, value, 1 << 28);
    if (options.flash_size < 8192 || options.flash_size % 4096)
      bad_option("--flash-size is a multiple of 4096, from 8192", value);
  } else if (!strcmp(name, "--slot-size")) {
    slot_size = (uint32_t)whole(name, value, 16 << 20);
    if (slot_size == 0 || slot_size % 4096) bad_option("--slot-size is a multiple of 4096", value);
  } else if (!strcmp(name, "--program")) {
    options.program_bytes = (uint32_t)whole(name, value, 16);
    if (options.program_bytes != 4 && options.program_bytes != 16)
      bad_option("--program is 4 or 16", value);
  } else if (!strcmp(name, "--port")) {
    if (options.port_count == sizeof options.ports / sizeof *options.ports)
      bad_option("--port: at most 8", NULL);
    options.ports[options.port_count++] = (uint16_t)whole(name, value, 65535);
  } else {
    bad_option("unknown option", name);
  }
}

/* Power cuts belong to the first start. */
static bool is_fault(const char *name, const char *value)
{
  bool good = true;
  if (!strcmp(name, "--fault")) good = starts() > 0 || flash_fault(value);
  else if (!strcmp(name, "--slot-fault")) good = starts() > 0 || slots_fault(value);
  else return false;
  if (!good)
    bad_option("a fault is OP:MODE:SEED, e.g. 17:torn:4, MODE not, torn or done; at most 8",
        value);
  return true;
}

static void option(const char *name, const char *value)
{
  if (is_fault(name, value)) return;
  if (!strcmp(name, "--control")) options.control = value;
  else if (!strcmp(name, "--flash")) options.flash = value;
  else if (!strcmp(name, "--slots")) slots_path = value;
  else if (!strcmp(name, "--provision")) options.provision = value;
  else if (!strcmp(name, "--interface")) options.interface = value;
  else if (!strcmp(name, "--eui64")) parse_eui64(value);
  else number_option(name, value);
}

static void parse_options(int count, char **words)
{
  for (int i = 0; i < count; i++) {
    const char *word = words[i];
    if (!strcmp(word, "--no-preload")) {
      options.preload = false;
    } else if (!strncmp(word, "--", 2)) {
      if (i + 1 == count) bad_option("unknown option, or its value is missing", word);
      option(word, words[++i]);
    } else if (options.image) {
      bad_option("one image only", word);
    } else {
      options.image = word;
    }
  }
  if (!options.image) bad_option("no image given", NULL);
}

static void read_image(void)
{
  if (slots_path) {
    size_t size;
    uint8_t *image = image_bytes(options.image, &size);
    slots_start(slots_path, slot_size, image, size);
    free(image);
  } else if (!image_read(options.image)) {
    exit(EXIT_BAD_DATA);
  }
}

static void prepare(void)
{
  read_image();
  if (options.provision) provision_read(options.provision);
  flash_open(options.flash, options.flash_size, options.program_bytes);
  if (options.seeded) random_seed(options.seed + starts(), options.eui64);
  if (options.control) control_connect(options.control);
}

static int run_tests(void *machine)
{
  return machine_call_main(machine, true) > 0 ? EXIT_FAILED_TESTS : 0;
}

const char *host_engine(void)
{
  return "xs 13.3.0";
}

void host_random(uint8_t *bytes, size_t size)
{
  while (size) {
    ssize_t count = getrandom(bytes, size, 0);
    if (count < 0 && errno != EINTR) die(EXIT_UNCAUGHT, "the kernel gives no random bytes");
    if (count < 0) continue;
    bytes += count;
    size -= (size_t)count;
  }
}

int main(int count, char **words)
{
  void *machine;
  if (count >= 2 && !strcmp(words[1], "compile")) {
    if (count != 4) bad_option("compile takes two files", NULL);
    return compile(words[2], words[3]);
  }
  if (count < 2) bad_option("say what to do", NULL);
  if (!strcmp(words[1], "run")) options.mode = MODE_RUN;
  else if (!strcmp(words[1], "test")) options.mode = MODE_TEST;
  else bad_option("unknown command", words[1]);
  all_words = words;
  parse_options(count - 2, words + 2);
  if (options.mode == MODE_RUN && !options.stack_slots) options.stack_slots = STACK_SLOTS_RUN;
  prepare();
  machine = machine_start();
  if (options.mode == MODE_TEST) return run_tests(machine);
  if (options.control) loop_on_medium(machine);
  else run_alone(machine);
  flash_flush();
  return 0;
}
