/*
 * A push button's edges from its interrupt to the machine's thread. One producer, one consumer, no
 * lock, and no atomic addition or exchange (ring.h says why).
 *
 * Bounce is no matter here: modules/lighting/contact.ts tells contact from bounce by time. But a
 * bad contact may bounce faster than the machine comes by, and edges that find no room are lost.
 * So the last word is the pin's own level: when all edges are taken and the pin says otherwise than
 * the last of them, that is one more edge. A lamp does not go on dimming because a release was
 * lost.
 */
#ifndef LUMICAST_EDGES_H
#define LUMICAST_EDGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { EDGES_MAX = 16 };

struct edge {
  uint64_t micros;
  bool down;
};

/* All zeros is a button that is up; edges_open makes one. */
struct edges {
  struct edge ring[EDGES_MAX];
  _Atomic uint32_t head, tail;
  atomic_bool asleep;
  bool told; /* the consumer's: the level it has told of */
};

void edges_open(struct edges *edges);
/* In the interrupt. True when the machine has to be woken. */
bool edges_put(struct edges *edges, struct edge edge);
/* The wake-up did not get through: the next edge tries again. */
void edges_wake_failed(struct edges *edges);
/* On the machine's thread, until false. `now` is the pin's level and the time. */
bool edges_take(struct edges *edges, struct edge now, struct edge *into);

#endif
