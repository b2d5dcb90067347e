/*
 * make -C test/boards unit: the logic of the boards under the Moddable SDK, without the SDK, under
 * the address and undefined-behaviour sanitizers. Exits 1 if a test failed. `unit chips` instead
 * prints what pins each ESP32 has, as JSON.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures, faults;
static uint64_t chance_state;

void unit_check(bool good, const char *what, const char *file, int line)
{
  const char *slash = strrchr(file, '/');
  if (good) return;
  faults++;
  printf("  %s:%d: %s\n", slash ? slash + 1 : file, line, what);
}

void unit_test(const char *name, void (*run)(void))
{
  faults = 0;
  run();
  printf("%s %s\n", faults ? "not ok" : "ok", name);
  if (faults) failures++;
}

uint64_t unit_chance(void)
{
  uint64_t z = chance_state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

int main(int count, char **words)
{
  if (count > 1 && !strcmp(words[1], "chips")) {
    start_print_chips();
    return 0;
  }
  chance_state = count > 1 ? strtoull(words[1], NULL, 10) : 1;
  aes_tests();
  flash_tests();
  light_tests();
  net_tests();
  slots_tests();
  start_tests();
  return failures ? 1 : 0;
}
