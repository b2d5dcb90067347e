#include "edges.h"

#include <string.h>

void edges_open(struct edges *edges)
{
  memset(edges, 0, sizeof *edges);
  atomic_init(&edges->asleep, true);
}

bool edges_put(struct edges *edges, struct edge edge)
{
  uint32_t head = atomic_load_explicit(&edges->head, memory_order_relaxed);
  if (head - atomic_load_explicit(&edges->tail, memory_order_acquire) < EDGES_MAX) {
    edges->ring[head % EDGES_MAX] = edge;
    atomic_store_explicit(&edges->head, head + 1, memory_order_release);
  }
  atomic_thread_fence(memory_order_seq_cst);
  if (!atomic_load_explicit(&edges->asleep, memory_order_relaxed)) return false;
  atomic_store_explicit(&edges->asleep, false, memory_order_relaxed);
  return true;
}

void edges_wake_failed(struct edges *edges)
{
  atomic_store_explicit(&edges->asleep, true, memory_order_relaxed);
}

static bool next(struct edges *edges, struct edge *into)
{
  uint32_t tail = atomic_load_explicit(&edges->tail, memory_order_relaxed);
  if (tail == atomic_load_explicit(&edges->head, memory_order_acquire)) return false;
  *into = edges->ring[tail % EDGES_MAX];
  atomic_store_explicit(&edges->tail, tail + 1, memory_order_release);
  return true;
}

bool edges_take(struct edges *edges, struct edge now, struct edge *into)
{
  uint32_t tail;
  do {
    while (next(edges, into)) {
      if (into->down == edges->told) continue;
      edges->told = into->down;
      return true;
    }
    if (now.down != edges->told) {
      *into = now;
      edges->told = now.down;
      return true;
    }
    tail = atomic_load_explicit(&edges->tail, memory_order_relaxed);
    atomic_store_explicit(&edges->asleep, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
  } while (tail != atomic_load_explicit(&edges->head, memory_order_relaxed));
  return false;
}
