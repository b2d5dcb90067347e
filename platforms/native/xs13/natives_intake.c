/*
 * The receive path's native help for TypeScript: modules/ports/intake.ts over intake.c. Everything
 * is read in place; nothing is allocated in the heap, so no pointer can move meanwhile.
 */
#include "natives.h"

#include "../intake.h"
#include "clock.h"
#include "costs.h"

enum { DATAGRAM, ADDRESS, PORT, TABLES, COLUMNS, KEYS, RESULT };

/* open(datagram, address, port, tables, columns, keys, result) -> answer */
static void native_open(xsMachine *the)
{
  struct bytes datagram = get_bytes(the, &xsArg(DATAGRAM));
  struct bytes address = get_bytes(the, &xsArg(ADDRESS));
  struct bytes tables = get_bytes(the, &xsArg(TABLES));
  struct bytes columns = get_bytes(the, &xsArg(COLUMNS));
  struct bytes result = get_writable(the, &xsArg(RESULT));
  const struct aes128 *aes;
  struct intake in = {
    .datagram = {datagram.data, datagram.size},
    .address = {address.data, address.size},
    .port = (uint16_t)xsmcToInteger(xsArg(PORT)),
    .tables = {tables.data, tables.size},
    .columns = columns.data,
    .columns_size = columns.size,
  };
  int32_t answer;
  if (result.size != INTAKE_RESULT_BYTES)
    xsRangeError("intake: a result of %d bytes, not %d", (int)result.size, INTAKE_RESULT_BYTES);
  answer = intake_locate(&in);
  if (answer >= 0) {
    xsmcVars(1);
    xsmcGetIndex(xsVar(0), xsArg(KEYS), (xsIntegerValue)in.line);
    aes = crypto_key(the, &xsVar(0), 8);
    clock_charge(COST_OPEN_BEFORE + COST_CCM + COST_AES_BLOCK * intake_blocks(&in));
    answer = aes ? intake_open(&in, aes, result.data) : INTAKE_DECLINED;
    if (answer >= 0) clock_charge(COST_OPEN_AFTER);
  }
  xsmcSetInteger(xsResult, answer);
}

const struct native intake_natives[] = {{"intakeOpen", native_open, 7}, {0}};
