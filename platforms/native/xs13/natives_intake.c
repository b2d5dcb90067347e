/*
 * The receive path's native help for TypeScript: modules/ports/intake.ts over intake.c. Everything
 * is read in place; nothing is allocated in the heap, so no pointer can move meanwhile.
 */
#include "natives.h"

#include "../intake.h"
#include "clock.h"
#include "costs.h"
#include "flash.h"

enum { DATAGRAM, ADDRESS, PORT, STATE };
/* modules/ports/intake.ts IntakeState */
enum { TABLES, KEYS, RESULT, RECIPIENTS, RIGHTS, RIGHTS_CAPACITY, CURSOR, INDEX };

static struct bytes state_bytes(xsMachine *the, int index)
{
  xsmcGetIndex(xsVar(0), xsArg(STATE), index);
  return get_writable(the, &xsVar(0));
}

static bool program(void *context, uint32_t offset, const uint8_t *bytes, size_t size)
{
  (void)context;
  return flash_program(offset, bytes, size);
}

static void fill(xsMachine *the, struct intake *in)
{
  struct bytes datagram = get_bytes(the, &xsArg(DATAGRAM));
  struct bytes address = get_bytes(the, &xsArg(ADDRESS));
  struct bytes tables = state_bytes(the, TABLES);
  struct bytes columns = state_bytes(the, RECIPIENTS);
  struct bytes rights = state_bytes(the, RIGHTS);
  struct bytes cursor = state_bytes(the, CURSOR);
  struct bytes index = state_bytes(the, INDEX);
  xsmcGetIndex(xsVar(0), xsArg(STATE), RIGHTS_CAPACITY);
  *in = (struct intake){
    .datagram = {datagram.data, datagram.size},
    .address = {address.data, address.size},
    .port = (uint16_t)xsmcToInteger(xsArg(PORT)),
    .tables = {tables.data, tables.size},
    .columns = columns.data,
    .columns_size = columns.size,
    .rights = {rights.data, rights.size},
    .rights_capacity = (uint32_t)xsmcToInteger(xsVar(0)),
    .journal = {
      .cursor = (int32_t *)(void *)cursor.data,
      .cursor_words = cursor.size / 4,
      .index = index.data,
      .index_size = index.size,
      .partition = flash_partition(),
      .program = program,
    },
  };
}

/* open(datagram, address, port, state) -> answer */
static void native_open(xsMachine *the)
{
  const struct aes128 *aes;
  struct bytes result;
  struct intake in;
  int32_t answer;
  gc_path_begin();
  xsmcVars(1);
  fill(the, &in);
  answer = intake_locate(&in);
  if (answer >= 0) {
    result = state_bytes(the, RESULT);
    if (result.size != INTAKE_RESULT_BYTES)
      xsRangeError("intake: a result of %d bytes, not %d", (int)result.size, INTAKE_RESULT_BYTES);
    xsmcGetIndex(xsVar(0), xsArg(STATE), KEYS);
    xsmcGetIndex(xsVar(0), xsVar(0), (xsIntegerValue)in.line);
    aes = crypto_key(the, &xsVar(0), 8);
    clock_charge(COST_OPEN_BEFORE + COST_CCM + COST_AES_BLOCK * intake_blocks(&in));
    answer = aes ? intake_open(&in, aes, result.data) : INTAKE_DECLINED;
    if (answer >= 0) clock_charge(COST_OPEN_AFTER);
    if (answer >= 0 && answer & INTAKE_LIGHT) answer = intake_mark(&in, answer);
  }
  xsmcSetInteger(xsResult, answer);
}

const struct native intake_natives[] = {{"intakeOpen", native_open, 4}, {0}};
