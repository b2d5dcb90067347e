/* What the unit tests of the boards' C share: one line of output for each test. */
#ifndef LUMICAST_BOARDS_UNIT_H
#define LUMICAST_BOARDS_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#define CHECK(condition) unit_check(condition, #condition, __FILE__, __LINE__)
void unit_check(bool good, const char *what, const char *file, int line);
void unit_test(const char *name, void (*run)(void));
/* splitmix64, seeded by the program's argument. */
uint64_t unit_chance(void);

void aes_tests(void);
void flash_tests(void);
void light_tests(void);
void net_tests(void);
void slots_tests(void);
void start_tests(void);
void start_print_chips(void);

#endif
