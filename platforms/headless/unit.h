/* make unit: what its files share. */
#ifndef LUMICAST_UNIT_H
#define LUMICAST_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the test that runs: a fault when `good` is false, with its place. */
void unit_check(bool good, const char *what, const char *file, int line);
#define CHECK(condition) unit_check(condition, #condition, __FILE__, __LINE__)

/* Seeded chance. */
uint64_t chance(void);
/* Bytes from hexadecimal text; returns how many. */
size_t hex(const char *text, uint8_t *out);
void run(const char *name, void (*test)(void));

void intake_tests(void);
void member_tests(void);
void rows_tests(void);
void slots_tests(void);
/* NULL in a build without libsodium, or libmbedcrypto */
void signatures_tests(void) __attribute__((weak));
void p256_tests(void) __attribute__((weak));

#endif
