/*
 * What the engine brings along, in place of xsDefaults.c: as there, less names and lengths of
 * functions (45 KB of a firmware's image), proxies, atomic operations on shared memory and running
 * source text.
 */
#include "xsAll.h"

static void no_source(txMachine *the)
{
  mxSyntaxError("this device runs byte code only");
}

const txDefaults gxDefaults = {
  .newAsyncInstance = fxNewAsyncInstance,
  .runAsync = fxRunAsync,
  .newGeneratorInstance = fxNewGeneratorInstance,
  .newGeneratorFunctionInstance = fxNewGeneratorFunctionInstance,
  .newAsyncGeneratorInstance = fxNewAsyncGeneratorInstance,
  .newAsyncGeneratorFunctionInstance = fxNewAsyncGeneratorFunctionInstance,
  .runForAwaitOf = fxRunForAwaitOf,
  .newArgumentsSloppyInstance = fxNewArgumentsSloppyInstance,
  .newArgumentsStrictInstance = fxNewArgumentsStrictInstance,
  .runEval = no_source,
  .runEvalEnvironment = no_source,
  .runProgramEnvironment = no_source,
  .runImport = fxRunImport,
  .definePrivateProperty = fxDefinePrivateProperty,
  .getPrivateProperty = fxGetPrivateProperty,
  .setPrivateProperty = fxSetPrivateProperty,
  .cleanupFinalizationRegistries = fxCleanupFinalizationRegistries,
  .captureErrorStack = fxCaptureErrorStack,
};

/* By the behaviour's number, which instances carry. */
const txBehavior *gxBehaviors[XS_BEHAVIOR_COUNT] = {
  &gxOrdinaryBehavior,
  &gxArgumentsSloppyBehavior,
  &gxOrdinaryBehavior,
  &gxArrayBehavior,
  &gxEnvironmentBehavior,
  &gxGlobalBehavior,
  &gxModuleBehavior,
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

const txTypeBigInt gxTypeBigInt = {
  .compare = fxBigIntCompare,
  .decode = fxBigIntDecode,
  .toArrayBuffer = fxBigintToArrayBuffer,
  .toInstance = fxBigIntToInstance,
  .toNumber = fxBigIntToNumber,
  .toString = fxBigintToString,
  ._add = fxBigInt_add,
  ._and = fxBigInt_and,
  ._dec = fxBigInt_dec,
  ._div = fxBigInt_div,
  ._exp = fxBigInt_exp,
  ._inc = fxBigInt_inc,
  ._lsl = fxBigInt_lsl,
  ._lsr = fxBigInt_lsr,
  ._mul = fxBigInt_mul,
  ._neg = fxBigInt_neg,
  ._nop = fxBigInt_nop,
  ._not = fxBigInt_not,
  ._or = fxBigInt_or,
  ._rem = fxBigInt_rem,
  ._sub = fxBigInt_sub,
  ._xor = fxBigInt_xor,
};
