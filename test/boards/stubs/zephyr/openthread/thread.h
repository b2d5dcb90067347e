#ifndef STUB_OT_THREAD_H
#define STUB_OT_THREAD_H
#include <openthread/ip6.h>
typedef enum {
  OT_DEVICE_ROLE_DISABLED,
  OT_DEVICE_ROLE_DETACHED,
  OT_DEVICE_ROLE_CHILD,
  OT_DEVICE_ROLE_ROUTER,
  OT_DEVICE_ROLE_LEADER,
} otDeviceRole;
otDeviceRole otThreadGetDeviceRole(otInstance *instance);
const otIp6Address *otThreadGetMeshLocalEid(otInstance *instance);
const otIp6Address *otThreadGetLinkLocalIp6Address(otInstance *instance);
#endif
