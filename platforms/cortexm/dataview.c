/*
 * XS's DataView and typed arrays, for a processor that traps on two-word loads at odd addresses:
 * DataView allows any offset. XS 13.3 has a switch for such processors, but its 64-bit integer
 * getters then read 32 bits; its reading macro is replaced by one that takes what is asked for.
 */
#include "xsAll.h"

#undef c_read32
#define c_read32(address) \
  ({ __typeof__(value) at_any_address; \
     memcpy(&at_any_address, address, sizeof at_any_address); \
     at_any_address; })
#define mxMisalignedSettersCrash 1

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-variable"
#include "xsDataView.c"
#pragma GCC diagnostic pop
