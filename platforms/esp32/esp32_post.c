/*
 * The one place that enters the SDK's message queue. The queue is short and the SDK would wait for
 * room (manifest.json sets for how long); so what is posted is coalesced by its caller, and nobody
 * posts a datagram, only that there are some.
 */
#include "xs.h"
#include "xsHost.h"

#include "esp32.h"

/* build/devices/esp32/lib/main/main.c of the SDK */
extern xsMachine *gThe;

static void deliver(void *the, void *refcon, uint8_t *message, uint16_t size)
{
  (void)the;
  (void)message;
  (void)size;
  ((const struct esp32_event *)refcon)->run();
}

bool esp32_post(const struct esp32_event *event)
{
  return gThe && modMessagePostToMachine(gThe, NULL, 0, deliver, (void *)event) == 0;
}

bool esp32_post_from_isr(const struct esp32_event *event)
{
  return gThe && modMessagePostToMachineFromISR(gThe, deliver, (void *)event) == 0;
}
