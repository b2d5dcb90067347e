/*
 * What the engine brings along, in place of xsDefaults.c: as there, less names and lengths of
 * functions (45 KB of a firmware's image), proxies, finalization, atomic operations on shared
 * memory and running source text.
 */
#include "xsAll.h"

#include "maker.h"

static void no_source(txMachine *the)
{
  mxSyntaxError("this device runs byte code only");
}

/* The program that makes images has these (maker.c); strip.c refuses byte code that needs them. */
__attribute__((weak)) txSlot *start_async(txMachine *the)
{
  no_source(the);
  return NULL;
}

__attribute__((weak)) void run_async(txMachine *the, txSlot *instance)
{
  (void)instance;
  no_source(the);
}

__attribute__((weak)) void run_import(txMachine *the, txSlot *realm, txID id)
{
  (void)realm;
  (void)id;
  no_source(the);
}

const txDefaults gxDefaults = {
  .newAsyncInstance = start_async,
  .runAsync = run_async,
  .newGeneratorInstance = fxNewGeneratorInstance,
  .newGeneratorFunctionInstance = fxNewGeneratorFunctionInstance,
  .newAsyncGeneratorInstance = start_async,
  .newAsyncGeneratorFunctionInstance = fxNewAsyncGeneratorFunctionInstance,
  .runForAwaitOf = no_source,
  .newArgumentsSloppyInstance = fxNewArgumentsStrictInstance,
  .newArgumentsStrictInstance = fxNewArgumentsStrictInstance,
  .runEval = no_source,
  .runEvalEnvironment = no_source,
  .runProgramEnvironment = no_source,
  .runImport = run_import,
  .definePrivateProperty = fxDefinePrivateProperty,
  .getPrivateProperty = fxGetPrivateProperty,
  .setPrivateProperty = fxSetPrivateProperty,
  .captureErrorStack = fxCaptureErrorStack,
};

/* By the behaviour's number, which instances carry; in RAM, for maker.c adds what only it needs. */
const txBehavior *gxBehaviors[XS_BEHAVIOR_COUNT] = {
  &gxOrdinaryBehavior,
  &gxOrdinaryBehavior, /* of sloppy arguments: byte code is strict */
  &gxOrdinaryBehavior,
  &gxArrayBehavior,
  &gxEnvironmentBehavior,
  &gxGlobalBehavior,
  &gxOrdinaryBehavior, /* of a module's names: there is but one module */
  &gxOrdinaryBehavior, /* of a proxy */
  &gxStringBehavior,
  &gxTypedArrayBehavior,
};

#define TYPE(SIZE, SHIFT, NAME, SETTER, COERCE, ARRAY) \
  {SIZE, SHIFT, fx##NAME##Getter, fx##SETTER##Setter, fx##COERCE##Coerce, fx##NAME##Compare, \
    _get##NAME, _set##NAME, _##ARRAY##Array}

const txTypeDispatch gxTypeDispatches[mxTypeArrayCount] = {
  TYPE(8, 3, BigInt64, BigInt64, BigInt, BigInt64),
  TYPE(8, 3, BigUint64, BigUint64, BigInt, BigUint64),
  TYPE(4, 2, Float32, Float32, Number, Float32),
  TYPE(8, 3, Float64, Float64, Number, Float64),
  TYPE(1, 0, Int8, Int8, Int, Int8),
  TYPE(2, 1, Int16, Int16, Int, Int16),
  TYPE(4, 2, Int32, Int32, Int, Int32),
  TYPE(1, 0, Uint8, Uint8, Uint, Uint8),
  TYPE(2, 1, Uint16, Uint16, Uint, Uint16),
  TYPE(4, 2, Uint32, Uint32, Uint, Uint32),
  TYPE(1, 0, Uint8, Uint8Clamped, Number, Uint8Clamped),
};

const txTypeAtomics gxTypeAtomics[mxTypeArrayCount];

/* The byte code makes no BigInt (strip.c), so nobody calls these. */
__attribute__((weak)) const txTypeBigInt gxTypeBigInt = {0};
