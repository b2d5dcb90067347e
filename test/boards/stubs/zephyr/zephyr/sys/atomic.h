#ifndef STUB_ATOMIC_H
#define STUB_ATOMIC_H
#include <stdbool.h>
typedef long atomic_t;
void atomic_set_bit_to(atomic_t *target, int bit, bool value);
bool atomic_test_bit(const atomic_t *target, int bit);
#endif
