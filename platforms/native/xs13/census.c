/*
 * What the heap of the running machine is full of: live slots by class, for whoever has to make a
 * firmware smaller. An object counts with its properties; a function's captured variables count as
 * "(variables)"; what no object holds (keys, roots) as "(rest)".
 */
#include "xsAll.h"

#include "census.h"
#include "host.h"

enum { CLASSES_MAX = 128 };

struct class {
  const char *name;
  uint32_t objects, slots;
};

static struct class classes[CLASSES_MAX];
static unsigned class_count;

static void add(const char *name, uint32_t slots)
{
  unsigned i = 0;
  while (i < class_count && strcmp(classes[i].name, name)) i++;
  if (i == CLASSES_MAX) i = CLASSES_MAX - 1;
  if (i == class_count) classes[class_count++].name = name;
  classes[i].objects++;
  classes[i].slots += slots;
}

static const txSlot *property(const txSlot *instance, txID id)
{
  const txSlot *slot = instance->next;
  while (slot && (slot->ID != id || slot->flag & XS_INTERNAL_FLAG)) slot = slot->next;
  return slot;
}

static const char *name_of(const txSlot *instance)
{
  const txSlot *prototype = instance->value.instance.prototype;
  const txSlot *found;
  if (mxIsFunction(instance)) return "(function)";
  if (!prototype) return "(variables)";
  found = property(prototype, mxID(_constructor));
  if (!found || found->kind != XS_REFERENCE_KIND) return "(object)";
  found = property(found->value.reference, mxID(_name));
  if (!found || (found->kind != XS_STRING_KIND && found->kind != XS_STRING_X_KIND))
    return "(nameless class)";
  return found->value.string;
}

/* The instance, its properties, and the variables and private fields hanging on them. */
static uint32_t size_of(const txSlot *instance)
{
  uint32_t slots = 1;
  for (const txSlot *slot = instance->next; slot; slot = slot->next) {
    slots++;
    if (slot->kind == XS_CLOSURE_KIND && slot->value.closure &&
        !(slot->value.closure->flag & XS_MARK_FLAG)) slots++;
    if (slot->kind == XS_PRIVATE_KIND)
      for (const txSlot *field = slot->value.private.first; field; field = field->next) slots++;
  }
  return slots;
}

static int by_slots(const void *a, const void *b)
{
  const struct class *x = a, *y = b;
  return (x->slots < y->slots) - (x->slots > y->slots);
}

void census_take(void *machine, census_row row)
{
  txMachine *the = machine;
  uint32_t rest;
  class_count = 0;
  memset(classes, 0, sizeof classes);
  fxCollectGarbage(the);
  gc_count--; /* asked for by the observer */
  rest = (uint32_t)the->currentHeapCount;
  for (txSlot *heap = the->firstHeap; heap; heap = heap->next)
    for (txSlot *slot = heap + 1; slot < heap->value.reference; slot++)
      if (slot->kind == XS_INSTANCE_KIND) add(name_of(slot), size_of(slot));
  for (unsigned i = 0; i < class_count; i++)
    rest -= classes[i].slots < rest ? classes[i].slots : rest;
  qsort(classes, class_count, sizeof *classes, by_slots);
  for (unsigned i = 0; i < class_count; i++)
    row(classes[i].name, classes[i].objects, classes[i].slots * sizeof(txSlot));
  row("(rest)", 1, rest * sizeof(txSlot));
}
