/* new Uint8Array(...) for natives, through XS's internals: no look-up of the global by name. */
#include "xsAll.h"

#include "host.h"

void set_bytes(void *machine, void *slot, const void *data, size_t size);

void set_bytes(void *machine, void *slot, const void *data, size_t size)
{
  txMachine *the = machine;
  txSlot *result = slot;
  txSlot *buffer;
  mxOverflow(-8);
  mxPushUndefined(); /* keeps the buffer alive */
  buffer = the->stack;
  fxArrayBuffer(the, buffer, (void *)data, (txInteger)size, -1);
  mxPush(mxUint8ArrayConstructor);
  mxNew();
  mxPushSlot(buffer);
  mxRunCount(1);
  mxPullSlot(result);
  mxPop();
}
