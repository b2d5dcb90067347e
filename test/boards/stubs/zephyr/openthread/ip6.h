#ifndef STUB_OT_IP6_H
#define STUB_OT_IP6_H
#include <openthread/instance.h>
typedef struct otIp6Address {
  uint8_t m8[16];
} otIp6Address;
otError otIp6SubscribeMulticastAddress(otInstance *instance, const otIp6Address *address);
otError otIp6UnsubscribeMulticastAddress(otInstance *instance, const otIp6Address *address);
#endif
