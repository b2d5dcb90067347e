#ifndef STUB_ATOMIC_H
#define STUB_ATOMIC_H
#include <stdbool.h>
typedef long atomic_t;
typedef atomic_t atomic_val_t;
void atomic_set_bit_to(atomic_t *target, int bit, bool value);
atomic_val_t atomic_get(const atomic_t *target);
atomic_val_t atomic_set(atomic_t *target, atomic_val_t value);
#endif
