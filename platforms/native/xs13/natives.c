/*
 * The global object lumicastHost: the natives that the .ts files beside this one wrap, and that
 * unit suites may use on XS. It is built in the machine that evaluates the image, so after
 * preloading it lies in what is flash on a device and costs the running clone nothing: the clone's
 * global object inherits from the root's, and host functions are addresses.
 */
#include "natives.h"

static const struct native *const groups[] = {
  clock_natives,  crypto_natives, flash_natives, device_natives,
  intake_natives, journal_natives, net_natives,    test_natives,
};

static void define(xsMachine *the, xsSlot *object, const struct native *native, xsSlot *scratch)
{
  *scratch = xsNewHostFunction(native->callback, native->length);
  xsmcDefine(*object, xsID((char *)native->name), *scratch,
      xsDontSet | xsDontDelete | xsDontEnum);
}

void natives_build(void *machine)
{
  xsBeginHost(machine);
  xsmcVars(3);
  xsVar(0) = xsNewObject();
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
    for (const struct native *native = groups[i]; native->name; native++)
      define(the, &xsVar(0), native, &xsVar(1));
  crypto_build(the);
  if (signatures_build) signatures_build(the);
  if (p256_build) p256_build(the);
  if (slots_build) slots_build(the);
  intake_build(the);
  xsmcDefine(xsGlobal, xsID("lumicastHost"), xsVar(0), xsDontSet | xsDontDelete | xsDontEnum);
  xsmcGet(xsVar(1), xsVar(0), xsID("print"));
  xsmcDefine(xsGlobal, xsID("print"), xsVar(1), xsDontEnum);
  xsEndHost(machine);
}

struct bytes get_bytes(xsMachine *the, xsSlot *slot)
{
  void *data;
  xsUnsignedValue size;
  _xsmcGetBuffer(the, slot, &data, &size, 0);
  return (struct bytes){data, size};
}

struct bytes get_writable(xsMachine *the, xsSlot *slot)
{
  void *data;
  xsUnsignedValue size;
  _xsmcGetBuffer(the, slot, &data, &size, 1);
  return (struct bytes){data, size};
}

double get_whole(xsMachine *the, xsSlot *slot, double max, const char *name)
{
  double value = fxToNumber(the, slot);
  if (!(value >= 0 && value <= max) || value != (double)(uint64_t)value)
    xsRangeError((char *)"%s must be a whole number from 0 to %u", (char *)name, (unsigned)max);
  return value;
}

void call_if_function(xsMachine *the, xsSlot *function, xsSlot *self, int count, xsSlot *arguments)
{
  if (fxTypeOf(the, function) == xsUndefinedType) return;
  xsTry {
    xsOverflow(-(XS_FRAME_COUNT + count));
    fxPush(*self);
    fxPush(*function);
    fxCall(the);
    for (int i = 0; i < count; i++) fxPush(arguments[i]);
    fxRunCount(the, count);
    the->stack++;
  }
  xsCatch {
    report_exception(the);
  }
}
