/*
 * What natives ask of values through XS's internals. The bytes of an ArrayBuffer that is used again
 * and again: a slot never moves, the chunk it points to does, so a slot that is kept saves the way
 * there.
 */
#include "xsAll.h"

#include "host.h"

bool is_host_object(void *slot);
void *buffer_slot(void *machine, void *slot);
uint8_t *buffer_data(const void *kept);
size_t buffer_size(const void *kept);

/* Asked first: xsGetHostDestructor throws where there is none. */
bool is_host_object(void *slot)
{
  const txSlot *value = slot;
  const txSlot *held;
  if (value->kind != XS_REFERENCE_KIND) return false;
  held = value->value.reference->next;
  return held && held->kind == XS_HOST_KIND;
}

/* The slot that holds the chunk's address, NULL when `slot` is no ArrayBuffer. */
void *buffer_slot(void *machine, void *slot)
{
  txSlot *value = slot;
  txSlot *held;
  (void)machine;
  if (value->kind != XS_REFERENCE_KIND) return NULL;
  held = value->value.reference->next;
  return held && held->kind == XS_ARRAY_BUFFER_KIND ? held : NULL;
}

uint8_t *buffer_data(const void *kept)
{
  return (uint8_t *)((const txSlot *)kept)->value.arrayBuffer.address;
}

size_t buffer_size(const void *kept)
{
  return (size_t)((const txSlot *)kept)->next->value.bufferInfo.length;
}
