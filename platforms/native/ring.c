#include "ring.h"

#include <string.h>

bool ring_open(struct ring *ring, void *bytes, uint32_t size)
{
  memset(ring, 0, sizeof *ring);
  if (size & (size - 1) || size < sizeof(struct ring_head) + BOARD_DATAGRAM_BYTES_MAX) return false;
  ring->bytes = bytes;
  ring->size = size;
  atomic_init(&ring->asleep, true);
  return true;
}

static void put(struct ring *ring, const void *bytes, uint32_t size)
{
  uint32_t at = ring->at & (ring->size - 1);
  uint32_t first = ring->size - at < size ? ring->size - at : size;
  memcpy(ring->bytes + at, bytes, first);
  memcpy(ring->bytes, (const uint8_t *)bytes + first, size - first);
  ring->at += size;
}

static void get(const struct ring *ring, uint32_t from, void *into, uint32_t size)
{
  uint32_t at = from & (ring->size - 1);
  uint32_t first = ring->size - at < size ? ring->size - at : size;
  memcpy(into, ring->bytes + at, first);
  memcpy((uint8_t *)into + first, ring->bytes, size - first);
}

bool ring_begin(struct ring *ring, const struct ring_head *head)
{
  uint32_t begin = atomic_load_explicit(&ring->head, memory_order_relaxed);
  /* Acquire: what the consumer has read is read before it is written over. */
  uint32_t used = begin - atomic_load_explicit(&ring->tail, memory_order_acquire);
  uint32_t needed = (uint32_t)sizeof *head + head->size;
  ring->open = head->size <= BOARD_DATAGRAM_BYTES_MAX && needed <= ring->size - used;
  if (!ring->open) {
    uint32_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
    atomic_store_explicit(&ring->dropped, dropped + 1, memory_order_relaxed);
    return false;
  }
  ring->at = begin;
  ring->left = head->size;
  put(ring, head, sizeof *head);
  return true;
}

void ring_add(struct ring *ring, const void *bytes, uint32_t size)
{
  /* More than was announced has no room: the record is given up. */
  if (size > ring->left) ring->open = false;
  if (!ring->open || size == 0) return;
  put(ring, bytes, size);
  ring->left -= size;
}

bool ring_commit(struct ring *ring)
{
  bool whole = ring->open && ring->left == 0;
  ring->open = false;
  if (whole) atomic_store_explicit(&ring->head, ring->at, memory_order_release);
  return whole;
}

bool ring_wake(struct ring *ring)
{
  /* Either this sees that the consumer went to sleep, or the consumer sees the new head. */
  atomic_thread_fence(memory_order_seq_cst);
  if (!atomic_load_explicit(&ring->asleep, memory_order_relaxed)) return false;
  atomic_store_explicit(&ring->asleep, false, memory_order_relaxed);
  return true;
}

void ring_wake_failed(struct ring *ring)
{
  atomic_store_explicit(&ring->asleep, true, memory_order_relaxed);
}

bool ring_sleep(struct ring *ring)
{
  uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  atomic_store_explicit(&ring->asleep, true, memory_order_relaxed);
  atomic_thread_fence(memory_order_seq_cst);
  return tail == atomic_load_explicit(&ring->head, memory_order_relaxed);
}

bool ring_take(struct ring *ring, struct board_datagram *into)
{
  struct ring_head head;
  uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  if (tail == atomic_load_explicit(&ring->head, memory_order_acquire)) return false;
  get(ring, tail, &head, sizeof head);
  memcpy(into->from, head.from, sizeof into->from);
  memcpy(into->to, head.to, sizeof into->to);
  into->from_port = head.from_port;
  into->to_port = head.to_port;
  into->size = head.size;
  into->micros = head.micros;
  tail += (uint32_t)sizeof head;
  get(ring, tail, into->bytes, head.size);
  /* Release: read before the producer may write over it. */
  atomic_store_explicit(&ring->tail, tail + head.size, memory_order_release);
  return true;
}

uint32_t ring_dropped(struct ring *ring)
{
  uint32_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);
  uint32_t news = dropped - ring->told;
  ring->told = dropped;
  return news;
}
