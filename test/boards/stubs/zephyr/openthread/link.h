#ifndef STUB_OT_LINK_H
#define STUB_OT_LINK_H
#include <openthread/instance.h>
typedef struct otExtAddress {
  uint8_t m8[8];
} otExtAddress;
void otLinkGetFactoryAssignedIeeeEui64(otInstance *instance, otExtAddress *eui64);
#endif
