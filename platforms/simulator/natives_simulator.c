/* What board.ts of the simulator has beyond board.h. */
#include "../moddable/natives.h"

#include "instance.h"

/* provisioning() -> bytes, or undefined where the instance's folder has none */
void xs_simulator_provisioning(xsMachine *the)
{
  static unsigned char bytes[INSTANCE_PROVISIONING_MAX];
  size_t size = instance_provisioning(bytes);
  if (size > 0) lumicast_set_bytes(the, &xsResult, bytes, size);
}

/* tell(key, text) */
void xs_simulator_tell(xsMachine *the)
{
  char key[16];
  xsmcToStringBuffer(xsArg(0), key, sizeof key);
  instance_tell(key, xsmcToString(xsArg(1)));
}
