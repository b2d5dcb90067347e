/*
 * Datagrams from the network's thread to the machine's: one producer, one consumer, no lock.
 *
 * The network's thread may not wait for XS, which collects garbage or erases flash for 90 ms, and
 * XS may not be entered from it. So a datagram is copied once, into a ring of bytes, and taken out
 * when the machine comes by. A record takes what it needs, not the largest datagram's size: a
 * command is 60 bytes, and 4 KB hold a burst of thirty. What does not fit is dropped and counted,
 * for a network that floods must not stop the one that listens.
 *
 * Only loads, stores and fences, no exchange or addition: the Moddable SDK compiles for rv32imc,
 * where those are calls to functions that ESP-IDF leaves out for the C6 and the H2. So every word
 * has one writer, but for `asleep`, whose every clearing is followed by a wake-up.
 *
 * The producer writes `head`, the consumer `tail`; both count bytes ever written or read, so full
 * and empty differ without a spare byte. A put in pieces suits lwIP, whose datagrams are chains.
 */
#ifndef LUMICAST_RING_H
#define LUMICAST_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* What goes before a datagram's bytes; as in struct board_datagram. */
struct ring_head {
  uint64_t micros;
  uint8_t from[BOARD_ADDRESS_BYTES], to[BOARD_ADDRESS_BYTES];
  uint16_t from_port, to_port;
  uint16_t size;
};

struct ring {
  uint8_t *bytes;
  uint32_t size; /* a power of two */
  _Atomic uint32_t head, tail, dropped;
  atomic_bool asleep;
  /* The producer's: the record under way. */
  uint32_t at, left;
  bool open;
  /* The consumer's: how many of `dropped` it was told of. */
  uint32_t told;
};

/* `size` is a power of two; false when it is not, or is too small for the largest datagram. */
bool ring_open(struct ring *ring, void *bytes, uint32_t size);

/* Producer. A record of head->size bytes: begin, add all of them, commit. False from begin: no
   room or too long, counted as dropped; from commit: not all bytes were added, nothing is kept. */
bool ring_begin(struct ring *ring, const struct ring_head *head);
void ring_add(struct ring *ring, const void *bytes, uint32_t size);
bool ring_commit(struct ring *ring);
/* After commit. True when the consumer sleeps: it has to be woken now. */
bool ring_wake(struct ring *ring);
/* The wake-up did not get through: the next commit has to try again. */
void ring_wake_failed(struct ring *ring);

/* Consumer, when woken: do while (ring_take(...)) ...; while (!ring_sleep(...)). */
bool ring_take(struct ring *ring, struct board_datagram *into);
/* False when something came in meanwhile. */
bool ring_sleep(struct ring *ring);
/* Datagrams dropped since the last call. */
uint32_t ring_dropped(struct ring *ring);

#endif
