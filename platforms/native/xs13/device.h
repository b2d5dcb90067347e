/* natives_device.c: what happens to the device, delivered to the firmware. */
#ifndef LUMICAST_DEVICE_H
#define LUMICAST_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_MAX_BYTES = 127 };

struct event {
  uint64_t at; /* the medium's time, or since boot when stand-alone */
  enum {
    EVENT_FRAME, EVENT_SENT, EVENT_BUTTON, EVENT_MOTION, EVENT_LUX, EVENT_LAMP,
  } kind;
  bool flag;        /* button down, motion seen, frame acked, lamp failed */
  bool transmitted;
  uint32_t id;      /* of a sent frame */
  double lux;
  uint8_t frame[FRAME_MAX_BYTES];
  uint8_t size;
};

void device_event(void *machine, const struct event *event);
/* Kept by the caller: not copied. */
void device_provision(const uint8_t *bytes, size_t size);

#endif
