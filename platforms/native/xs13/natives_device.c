/*
 * Radio, lamp, button, sensors, trace and the ways out.
 *
 * attach({ radio, button, sensor, datagram }) gives the host the board's port objects; events are
 * delivered by calling their onFrame, onSent, onEdge, onMotion and onLux directly, with nothing
 * made but what the port's contract demands: the frame's own bytes, and the record that onSent
 * takes.
 */
#include "natives.h"

#include "clock.h"
#include "costs.h"
#include "device.h"
#include "output.h"

enum { FRAME_SENT_MAX_BYTES = 125 };

static struct {
  bool attached;
  xsSlot radio, button, sensor;
  uint32_t last_id;
  bool lamp_failed;
  const uint8_t *provisioning;
  size_t provisioning_size;
} device;

void device_provision(const uint8_t *bytes, size_t size)
{
  device.provisioning = bytes;
  device.provisioning_size = size;
}

static void attach_one(xsMachine *the, xsSlot *root, const char *name)
{
  xsmcGet(xsVar(0), xsArg(0), xsID((char *)name));
  *root = xsVar(0);
  xsRemember(*root);
}

static void native_attach(xsMachine *the)
{
  if (device.attached) xsUnknownError("attach: the board is attached already");
  xsmcVars(1);
  device.attached = true;
  attach_one(the, &device.radio, "radio");
  attach_one(the, &device.button, "button");
  attach_one(the, &device.sensor, "sensor");
  net_attach(the);
}

static uint64_t cost_of(const struct event *event)
{
  if (event->kind == EVENT_FRAME) return COST_FRAME_IN;
  return event->kind == EVENT_SENT ? COST_TIMER : COST_EDGE;
}

static void set_sent(xsMachine *the, xsSlot *record, const struct event *event)
{
  *record = xsNewObject();
  xsmcSetInteger(xsVar(0), (xsIntegerValue)event->id);
  xsmcDefine(*record, xsID("id"), xsVar(0), xsDefault);
  xsmcSetBoolean(xsVar(0), event->flag);
  xsmcDefine(*record, xsID("acked"), xsVar(0), xsDefault);
  xsmcSetBoolean(xsVar(0), event->transmitted);
  xsmcDefine(*record, xsID("transmitted"), xsVar(0), xsDefault);
}

static void deliver(xsMachine *the, const struct event *event)
{
  static const char *const callbacks[] = {"onFrame", "onSent", "onEdge", "onMotion", "onLux"};
  xsSlot *port = event->kind <= EVENT_SENT ? &device.radio
      : event->kind == EVENT_BUTTON ? &device.button : &device.sensor;
  xsSlot arguments[2];
  xsmcVars(4);
  xsVar(1) = xsAccess(*port);
  if (xsmcTypeOf(xsVar(1)) == xsUndefinedType) return;
  if (event->kind == EVENT_FRAME) set_bytes(the, &xsVar(2), event->frame, event->size);
  else if (event->kind == EVENT_SENT) set_sent(the, &xsVar(2), event);
  else if (event->kind == EVENT_LUX) xsmcSetNumber(xsVar(2), event->lux);
  else xsmcSetBoolean(xsVar(2), event->flag);
  xsmcSetNumber(xsVar(3), (double)clock_from_medium(event->at));
  xsmcGet(xsVar(0), xsVar(1), xsID((char *)callbacks[event->kind]));
  arguments[0] = xsVar(2);
  arguments[1] = xsVar(3);
  call_if_function(the, &xsVar(0), &xsVar(1), event->kind == EVENT_SENT ? 1 : 2, arguments);
}

void device_event(void *machine, const struct event *event)
{
  if (event->kind == EVENT_LAMP) {
    device.lamp_failed = event->flag;
    return;
  }
  clock_charge(cost_of(event));
  if (!device.attached) return;
  xsBeginHost(machine);
  deliver(the, event);
  xsEndHost(machine);
}

/* radioSend(frame) -> id */
static void native_radio_send(xsMachine *the)
{
  struct bytes frame = get_bytes(the, &xsArg(0));
  if (frame.size > FRAME_SENT_MAX_BYTES)
    xsRangeError("radio: a frame of %d bytes; at most 125 fit before the FCS", (int)frame.size);
  clock_charge(COST_FRAME_OUT);
  if (++device.last_id > 0x3FFFFFFF) device.last_id = 1;
  output_frame(frame.data, frame.size, device.last_id);
  xsmcSetInteger(xsResult, (xsIntegerValue)device.last_id);
}

/* radioAddress(pan, short) */
static void native_radio_address(xsMachine *the)
{
  double pan = get_whole(the, &xsArg(0), 65535, "radio: pan");
  double address = get_whole(the, &xsArg(1), 65535, "radio: short address");
  output_address((unsigned)pan, (unsigned)address);
}

static void native_eui64(xsMachine *the)
{
  set_bytes(the, &xsResult, options.eui64, sizeof options.eui64);
}

static int optional(xsMachine *the, int index)
{
  if (xsmcArgc <= index || xsmcTypeOf(xsArg(index)) == xsUndefinedType) return -1;
  return (int)get_whole(the, &xsArg(index), 65535, "light: x and y");
}

/* light(level, mired[, x, y]) */
static void native_light(xsMachine *the)
{
  int level = (int)get_whole(the, &xsArg(0), 254, "light: level");
  int mired = (int)get_whole(the, &xsArg(1), 65535, "light: mired");
  clock_charge(COST_LIGHT);
  gc_path_end(true);
  output_light(level, mired, optional(the, 2), optional(the, 3));
}

static void native_lamp_failed(xsMachine *the)
{
  xsmcSetBoolean(xsResult, device.lamp_failed);
}

static void native_trace(xsMachine *the)
{
  const char *event = xsmcToString(xsArg(0));
  if (!output_trace(event)) xsRangeError("trace: the name is too long, or there are too many");
}

static void native_log(xsMachine *the)
{
  output_log(xsmcToString(xsArg(0)));
}

static void native_fatal(xsMachine *the)
{
  die(EXIT_UNCAUGHT, "%s", xsmcToString(xsArg(0)));
}

/* provisioning() -> bytes or undefined */
static void native_provisioning(xsMachine *the)
{
  if (device.provisioning)
    set_bytes(the, &xsResult, device.provisioning, device.provisioning_size);
}

/* medium() -> true when a medium grants time and carries frames */
static void native_medium(xsMachine *the)
{
  xsmcSetBoolean(xsResult, options.control != NULL);
}

const struct native device_natives[] = {
  {"attach", native_attach, 1},
  {"medium", native_medium, 0},
  {"radioSend", native_radio_send, 1},
  {"radioAddress", native_radio_address, 2},
  {"eui64", native_eui64, 0},
  {"light", native_light, 4},
  {"lampFailed", native_lamp_failed, 0},
  {"trace", native_trace, 1},
  {"log", native_log, 1},
  {"fatal", native_fatal, 1},
  {"provisioning", native_provisioning, 0},
  {0},
};
