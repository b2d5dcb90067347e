#ifndef STUB_XS_HOST_H
#define STUB_XS_HOST_H
#include <stdint.h>
typedef void (*modMessageDeliver)(void *the, void *refcon, uint8_t *message, uint16_t size);
int modMessagePostToMachine(xsMachine *the, uint8_t *message, uint16_t size,
    modMessageDeliver callback, void *refcon);
int modMessagePostToMachineFromISR(xsMachine *the, modMessageDeliver callback, void *refcon);
#endif
