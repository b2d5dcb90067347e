#include "intake.h"

#include <string.h>

#include "columns.h"

/* modules/ports/intake.ts: the tables' head, then lines. */
enum {
  TABLE_LINES = 0, TABLE_PORTS = 1, TABLE_OWN_SIZE = 2, TABLE_OWN = 4, TABLE_PORT = 12,
  TABLE_HEAD_BYTES = 28,
  LINE_GROUP = 0, LINE_OPEN = 4, LINE_KEY_ID_SIZE = 5, LINE_KEY_ID = 6, LINE_ASSOCIATION = 14,
  LINE_PREFIX_SIZE = 16, LINE_IV = 17, LINE_PREFIX = 30,
  LINE_BYTES = 54,
};
enum { PORTS_MAX = 8, ROWS_MAX = 128, PREFIX_MAX_BYTES = LINE_BYTES - LINE_PREFIX };

enum { TYPE_NON = 1, CODE_POST = 2, OPTION_OSCORE = 9, OPTION_APP_GROUP = 65001 };
enum { TOKEN_MAX_BYTES = 8, PAYLOAD_MARKER = 0xFF };
enum { DATAGRAM_MAX_BYTES = 1280, ID_MAX_BYTES = 8, PIV_MAX_BYTES = 5 };
enum { WINDOW_BITS = 64 };
/* modules/oscore/recipients.ts: how far a bound runs ahead in a burst, exact bounds before that */
enum { RUN_AHEAD = 31, EXACT_WRITES = 4, BOUND_SHORT_BYTES = 4, BOUND_LONG_BYTES = 7 };
enum { KIND_REPLAY_BOUND = 0x04 }; /* modules/store/keys.ts */
#define SEQUENCE_MAX ((UINT64_C(1) << 40) - 1)
/* modules/access/rights.ts: a row, and the bits of its level */
enum { RIGHT_BYTES = 12, RIGHTS_MAX = 254, RIGHT_DEVICE = 0x08, RIGHT_LEVEL = 0x07 };
/* OSCORE option: bits above the partial IV's length; lowlatency has k and h set, nothing else */
enum { FLAGS_FIXED = 0x18, PIV_SIZE_BITS = 0x07 };

/* WIRE.md lowlatency: a request's outer code, whatever stands inside. */
enum { OUTER_REQUEST = 2, RESPONSE_CODES = 64 };

struct outer {
  const uint8_t *oscore, *app_group;
  size_t oscore_size, app_group_size;
  bool repeats, others;
  size_t payload_start;
};

static uint32_t load32(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static unsigned load16(const uint8_t *p)
{
  return (unsigned)p[0] << 8 | p[1];
}

/* RFC 7252 section 3.1: what a nibble of 13 or 14 announces; false past the end or for 15. */
static bool extend(const uint8_t *bytes, size_t end, size_t *at, unsigned *value)
{
  if (*value == 15) return false; // check: intake-option-15
  if (*value == 13) {
    if (*at + 1 > end) return false;
    *value = bytes[*at] + 13u;
    *at += 1;
  } else if (*value == 14) {
    if (*at + 2 > end) return false;
    *value = load16(bytes + *at) + 269u;
    *at += 2;
  }
  return true;
}

/*
 * modules/oscore/outer.ts, from the options on. What it says of too many options and of numbers
 * past 65535 need not be said again: more than two are repeated or others, and such a number is
 * another. A token that is not whole begins the options past the end.
 */
static bool scan(const uint8_t *bytes, size_t start, size_t end, struct outer *outer)
{
  size_t at = start;
  unsigned number = 0;
  memset(outer, 0, sizeof *outer);
  while (at < end) {
    unsigned head = bytes[at++];
    unsigned delta = head >> 4, length = head & 15;
    if (head == PAYLOAD_MARKER) {
      outer->payload_start = at;
      return at < end;
    }
    if (!extend(bytes, end, &at, &delta) || !extend(bytes, end, &at, &length)) return false;
    number += delta;
    if (number == OPTION_OSCORE) {
      outer->repeats |= outer->oscore != NULL;
      outer->oscore = bytes + at;
      outer->oscore_size = length;
    } else if (number == OPTION_APP_GROUP) {
      outer->repeats |= outer->app_group != NULL;
      outer->app_group = bytes + at;
      outer->app_group_size = length;
    } else {
      outer->others = true;
    }
    at += length;
  }
  outer->payload_start = at;
  return at == end;
}

/* modules/oscore/option.ts and the profile's own rules; the ids end up in `in`. */
static bool read_option(struct intake *in, const struct outer *outer, struct intake_bytes *key_id)
{
  const uint8_t *at = outer->oscore;
  const uint8_t *end = at + outer->oscore_size;
  size_t rest;
  unsigned flags;
  bool whole;
  if (at == NULL || at == end) return false;
  flags = *at++;
  in->piv_size = flags & PIV_SIZE_BITS;
  if ((flags & ~(unsigned)PIV_SIZE_BITS) != FLAGS_FIXED) return false; // check: intake-flags
  if (in->piv_size == 0 || in->piv_size > PIV_MAX_BYTES) return false; // check: intake-piv-length
  rest = (size_t)(end - at);
  /* partial IV, length of the key id, key id */
  whole = rest > in->piv_size && rest - in->piv_size > at[in->piv_size];
  if (!whole) return false; // check: intake-option-whole
  /* RFC 8613 section 6.1: a second spelling of a number would be a second nonce. */
  if (*at == 0 && in->piv_size > 1) return false; // check: intake-piv-minimal
  in->piv = at;
  in->sequence = 0;
  for (unsigned i = 0; i < in->piv_size; i++) in->sequence = in->sequence << 8 | *at++;
  key_id->size = *at++;
  key_id->data = at;
  at += key_id->size;
  in->kid = at;
  in->kid_size = (uint8_t)((size_t)(end - at) > 255 ? 255 : end - at);
  return true;
}

/* 1 to 8 bytes, no leading zero but for the number 0 itself. */
static bool is_uint(const uint8_t *bytes, size_t size)
{
  if (size == 0 || size > ID_MAX_BYTES) return false;
  return size == 1 || bytes[0] != 0;
}

static bool has_leading_zero(const struct outer *outer)
{
  return outer->app_group_size > 0 && outer->app_group[0] == 0;
}

static bool listens_on(const uint8_t *tables, unsigned port)
{
  for (unsigned i = 0; i < tables[TABLE_PORTS]; i++)
    if (load16(tables + TABLE_PORT + 2 * i) == port) return true;
  return false;
}

bool intake_well_formed(const struct intake *in)
{
  size_t rows = in->columns_size / COLUMNS_ROW_BYTES;
  return in->columns_size == rows * COLUMNS_ROW_BYTES + COLUMNS_MORE_BYTES && rows >= 1 &&
         rows <= ROWS_MAX &&
         in->rights_capacity <= RIGHTS_MAX &&
         in->rights.size > (RIGHT_BYTES + 1) * (size_t)in->rights_capacity;
}

static bool well_formed_tables(const struct intake *in)
{
  const uint8_t *tables = in->tables.data;
  return in->tables.size >= TABLE_HEAD_BYTES && tables[TABLE_PORTS] <= PORTS_MAX &&
         in->tables.size == TABLE_HEAD_BYTES + (size_t)LINE_BYTES * tables[TABLE_LINES] &&
         intake_well_formed(in);
}

/* The line of this group and key id. Key ids are unique within a group or nothing is opened. */
static int32_t find_line(struct intake *in, const struct outer *outer)
{
  const uint8_t *tables = in->tables.data;
  struct intake_bytes key_id;
  uint32_t group = 0;
  bool known = false, open = false;
  unsigned matches = 0;
  if (outer->app_group_size > 4) return INTAKE_UNKNOWN_GROUP;
  for (size_t i = 0; i < outer->app_group_size; i++) group = group << 8 | outer->app_group[i];
  for (unsigned i = 0; i < tables[TABLE_LINES]; i++) {
    const uint8_t *line = tables + TABLE_HEAD_BYTES + LINE_BYTES * i;
    if (load32(line + LINE_GROUP) != group) continue;
    known = true;
    open = line[LINE_OPEN] == 1;
  }
  if (!known) return INTAKE_UNKNOWN_GROUP;
  if (!open) return INTAKE_DECLINED;
  if (!read_option(in, outer, &key_id)) return INTAKE_MALFORMED;
  if (in->datagram.data[1] != OUTER_REQUEST) return INTAKE_MALFORMED; // check: intake-outer-code
  if (!is_uint(key_id.data, key_id.size)) return INTAKE_MALFORMED; // check: intake-key-id-form
  if (!is_uint(in->kid, in->kid_size)) return INTAKE_MALFORMED; // check: intake-client-id-form
  if (has_leading_zero(outer)) return INTAKE_MALFORMED; // check: intake-app-group-form
  if (outer->payload_start >= in->datagram.size) return INTAKE_MALFORMED; // check: intake-payload
  for (unsigned i = 0; i < tables[TABLE_LINES]; i++) {
    const uint8_t *line = tables + TABLE_HEAD_BYTES + LINE_BYTES * i;
    if (load32(line + LINE_GROUP) != group || line[LINE_KEY_ID_SIZE] != key_id.size) continue;
    if (memcmp(line + LINE_KEY_ID, key_id.data, key_id.size) != 0) continue;
    in->line = i;
    matches++;
  }
  return matches == 1 ? 0 : INTAKE_UNKNOWN_KEY;
}

void intake_read_kid(struct intake *in)
{
  uint64_t id = 0;
  for (unsigned i = 0; i < in->kid_size; i++) id = id << 8 | in->kid[i];
  in->kid_high = (uint32_t)(id >> 32);
  in->kid_low = (uint32_t)id;
}

static unsigned rows_of(const struct intake *in)
{
  return (unsigned)(in->columns_size / COLUMNS_ROW_BYTES);
}

static int32_t column32(const uint8_t *column, unsigned row)
{
  int32_t value;
  memcpy(&value, column + 4 * row, sizeof value);
  return value;
}

/* modules/oscore/recipients.ts: hash, then the columns tag, high, low. */
bool intake_find_row(struct intake *in, unsigned association)
{
  unsigned rows = rows_of(in), places = 2 * rows + 1;
  const uint8_t *highs = in->columns + COLUMN_HIGH * rows, *lows = in->columns + COLUMN_LOW * rows;
  const uint8_t *tags = in->columns + COLUMN_TAG * rows;
  const uint8_t *table = in->columns + COLUMN_PLACES * rows;
  unsigned tag = association * 16 + in->kid_size;
  uint32_t high = in->kid_high, low = in->kid_low;
  /* shifts of negative numbers keep the sign in TypeScript; below bit 15 that makes no odds */
  uint32_t folded = (low ^ low >> 16 ^ high ^ high >> 16) & 0x7FFF;
  unsigned place = ((folded * 40503u + tag * 997u) & 0xFFFF) * places >> 16;
  for (unsigned tries = 0; tries < places; tries++) {
    unsigned entry = table[place];
    uint16_t held;
    if (entry == 0 || entry > rows) return false;
    in->row = entry - 1u;
    memcpy(&held, tags + 2 * in->row, sizeof held);
    if (column32(lows, in->row) == (int32_t)low && column32(highs, in->row) == (int32_t)high &&
        held == tag)
      return true;
    if (++place == places) place = 0;
  }
  return false;
}

/* modules/oscore/window.ts */
bool intake_is_fresh(const struct intake *in, unsigned window)
{
  double highest;
  uint64_t age;
  int32_t half;
  memcpy(&highest, in->columns + 8 * in->row, sizeof highest);
  if (!(highest >= 0)) return true;
  if ((uint64_t)highest < in->sequence) return true;
  age = (uint64_t)highest - in->sequence;
  if (age >= window) return false; // check: intake-too-old
  half = column32(in->columns + (age < 32 ? COLUMN_NEAR : COLUMN_FAR) * rows_of(in), in->row);
  if ((uint32_t)half >> (age & 31) & 1) return false; // check: intake-seen
  return true;
}

static bool is_own(const struct intake *in)
{
  const uint8_t *tables = in->tables.data;
  return in->kid_size == tables[TABLE_OWN_SIZE] && in->kid_high == load32(tables + TABLE_OWN) &&
         in->kid_low == load32(tables + TABLE_OWN + 4);
}

int32_t intake_locate(struct intake *in)
{
  const uint8_t *bytes = in->datagram.data;
  const uint8_t *line;
  size_t end = in->datagram.size;
  struct outer outer;
  unsigned code;
  int32_t found;
  if (!well_formed_tables(in) || in->address.size != 16) return INTAKE_DECLINED;
  if (end > DATAGRAM_MAX_BYTES) return INTAKE_MALFORMED; // check: intake-size
  if (!listens_on(in->tables.data, in->port)) return INTAKE_NOT_FOR_US; // check: intake-port
  if (end < 4 || bytes[0] >> 6 != 1) return INTAKE_MALFORMED; // check: intake-version
  if ((bytes[0] & 15) > TOKEN_MAX_BYTES) return INTAKE_MALFORMED; // check: intake-token-length
  /* Confirmable messages, answers, unprotected ones and unusual options are the reference's. */
  code = bytes[1];
  if ((bytes[0] >> 4 & 3) != TYPE_NON || code >= RESPONSE_CODES) return INTAKE_DECLINED;
  if (code == 0 || code >= 32) return INTAKE_MALFORMED; // check: intake-code
  if (!scan(bytes, 4 + (bytes[0] & 15), end, &outer)) return INTAKE_MALFORMED;
  if (outer.others || (!outer.oscore && !outer.app_group)) return INTAKE_DECLINED;
  if (outer.repeats || !outer.app_group) return INTAKE_MALFORMED; // check: intake-options
  in->payload_start = outer.payload_start;
  found = find_line(in, &outer);
  if (found < 0) return found;
  intake_read_kid(in);
  /* A first contact needs a row, and flash. */
  line = in->tables.data + TABLE_HEAD_BYTES + LINE_BYTES * in->line;
  if (!intake_find_row(in, load16(line + LINE_ASSOCIATION))) return INTAKE_DECLINED;
  /* Somebody had our id before us: what is our own, reflected, the reference tells. */
  if (is_own(in)) return INTAKE_DECLINED; // check: intake-own
  if (!intake_is_fresh(in, WINDOW_BITS)) return INTAKE_REPLAYED; // check: intake-fresh
  return (int32_t)in->line;
}

static uint8_t *put_id(uint8_t *at, const uint8_t *id, unsigned size)
{
  *at++ = (uint8_t)(0x40 + size);
  memcpy(at, id, size);
  return at + size;
}

/* Enc(h'', [prefix..., kid, piv, kid, piv, address, port, h'']); at most 118 bytes. */
static size_t additional_data(const struct intake *in, const uint8_t *line, uint8_t *aad)
{
  static const uint8_t start[] = {0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0', 0x40, 0x58};
  uint8_t *at = aad + sizeof start + 1;
  memcpy(aad, start, sizeof start);
  memcpy(at, line + LINE_PREFIX, line[LINE_PREFIX_SIZE]);
  at += line[LINE_PREFIX_SIZE];
  for (int i = 0; i < 2; i++) at = put_id(put_id(at, in->kid, in->kid_size), in->piv, in->piv_size);
  at = put_id(at, in->address.data, 16);
  if (in->port >= 256) {
    *at++ = 0x19;
    *at++ = (uint8_t)(in->port >> 8);
  } else if (in->port >= 24) {
    *at++ = 0x18;
  }
  *at++ = (uint8_t)in->port;
  *at++ = 0x40;
  aad[sizeof start] = (uint8_t)(at - aad - (ptrdiff_t)sizeof start - 1);
  return (size_t)(at - aad);
}

size_t intake_blocks(const struct intake *in)
{
  const uint8_t *line = in->tables.data + TABLE_HEAD_BYTES + LINE_BYTES * in->line;
  size_t ids = 2 * (2u + in->kid_size + in->piv_size);
  size_t sealed = in->datagram.size - in->payload_start;
  return ccm_blocks(13 + line[LINE_PREFIX_SIZE] + ids + 17 + (in->port >= 256 ? 4 : 3),
      sealed < INTAKE_TAG_BYTES ? 0 : sealed - INTAKE_TAG_BYTES);
}

/* IV xor (id left-padded to 8 || sequence number left-padded to 5) */
static void make_nonce(const struct intake *in, const uint8_t *line, uint8_t *nonce)
{
  memcpy(nonce, line + LINE_IV, CCM_NONCE_BYTES);
  for (unsigned i = 0; i < in->kid_size; i++) nonce[8 - in->kid_size + i] ^= in->kid[i];
  for (unsigned i = 0; i < in->piv_size; i++) nonce[13 - in->piv_size + i] ^= in->piv[i];
}

unsigned intake_level(const struct intake *in, uint32_t group)
{
  uint32_t rows = in->rights_capacity, low = in->kid_low, high = in->kid_high;
  const uint8_t *levels = in->rights.data + RIGHT_BYTES * rows;
  const uint8_t *index = levels + rows;
  uint32_t slots = (uint32_t)in->rights.size - (RIGHT_BYTES + 1) * rows;
  uint32_t folded = (low ^ low >> 16 ^ high ^ high >> 16) & 0x7FFF;
  uint32_t slot = ((folded * 40503u + (group & 0x7FFF) * 997u) & 0xFFFF) * slots >> 16;
  for (uint32_t tries = 0; tries < slots; tries++) {
    const uint8_t *right;
    uint32_t row = index[slot];
    if (row == 0 || row > rows) return 0;
    right = in->rights.data + RIGHT_BYTES * (row - 1);
    if ((uint32_t)column32(right, 0) == low && (uint32_t)column32(right, 1) == high &&
        (uint32_t)column32(right, 2) == group && !(levels[row - 1] & RIGHT_DEVICE))
      return levels[row - 1] & RIGHT_LEVEL;
    slot = (slot + 1) & (slots - 1);
  }
  return 0;
}

bool intake_is_newest(const struct intake *in)
{
  unsigned rows = rows_of(in), applied = in->columns[COLUMN_APPLIED * rows + 1 + in->row];
  double highest, sequence = (double)in->sequence;
  memcpy(&highest, in->columns + 8 * in->row, sizeof highest);
  return highest < sequence || applied == NONE_APPLIED || highest - sequence + 1 < applied;
}

bool intake_is_light(const uint8_t *plain, size_t size)
{
  return size > 4 && plain[0] == CODE_POST && plain[1] == 0xB1 && plain[2] == 'l' &&
         plain[3] == PAYLOAD_MARKER;
}

int32_t intake_open(const struct intake *in, const struct aes128 *aes,
    uint8_t result[INTAKE_RESULT_BYTES])
{
  uint8_t nonce[CCM_NONCE_BYTES], aad[128];
  const uint8_t *line = in->tables.data + TABLE_HEAD_BYTES + LINE_BYTES * in->line;
  size_t sealed_size = in->datagram.size - in->payload_start;
  uint8_t *plain = result + INTAKE_RESULT_HEAD_BYTES;
  double sequence = (double)in->sequence;
  int32_t kid[3] = {(int32_t)in->kid_high, (int32_t)in->kid_low, in->kid_size};
  struct ccm_box box = {nonce, aad, 0, {INTAKE_TAG_BYTES, CCM_NONCE_BYTES}};
  size_t size;
  bool opened, light;
  if (line[LINE_PREFIX_SIZE] > PREFIX_MAX_BYTES) return INTAKE_DECLINED;
  if (sealed_size > INTAKE_PLAIN_MAX_BYTES + INTAKE_TAG_BYTES) return INTAKE_DECLINED;
  if (sealed_size < INTAKE_TAG_BYTES) return INTAKE_FORGED;
  make_nonce(in, line, nonce);
  box.aad_size = additional_data(in, line, aad);
  opened = ccm_open(aes, &box, in->datagram.data + in->payload_start, sealed_size, plain);
  if (!opened) return INTAKE_FORGED; // check: intake-tag
  size = sealed_size - INTAKE_TAG_BYTES;
  memcpy(result, &sequence, sizeof sequence);
  memcpy(result + 8, kid, sizeof kid);
  light = intake_is_light(plain, size);
  return (int32_t)((uint32_t)in->line << INTAKE_LINE_SHIFT | in->row << INTAKE_ROW_SHIFT |
      intake_level(in, load32(line + LINE_GROUP)) << INTAKE_LEVEL_SHIFT |
      (intake_is_newest(in) ? INTAKE_NEWEST : 0) | (light ? INTAKE_LIGHT : 0) |
      (in->address.data[0] == 0xFF ? INTAKE_MULTICAST : 0) | size);
}

static void put_column32(uint8_t *column, unsigned row, uint32_t value)
{
  memcpy(column + 4 * row, &value, sizeof value);
}

/* modules/oscore/window.ts markIn; `step` is how far the number lies above the highest so far. */
static void mark_window(const struct intake *in, int64_t step)
{
  unsigned rows = rows_of(in);
  uint8_t *nears = in->columns + COLUMN_NEAR * rows, *fars = in->columns + COLUMN_FAR * rows;
  uint8_t *applied = in->columns + COLUMN_APPLIED * rows + 1 + in->row;
  uint32_t near = (uint32_t)column32(nears, in->row), far = (uint32_t)column32(fars, in->row);
  double highest = (double)in->sequence;
  if (step > 0) {
    uint64_t seen = (uint64_t)far << 32 | near;
    seen = step < WINDOW_BITS ? seen << step | 1 : 1;
    near = (uint32_t)seen;
    far = (uint32_t)(seen >> 32);
    memcpy(in->columns + 8 * in->row, &highest, sizeof highest);
    if (*applied != NONE_APPLIED)
      *applied = (uint8_t)(*applied + step < APPLIED_MAX ? *applied + step : APPLIED_MAX);
  } else if (step > -32) {
    near |= UINT32_C(1) << -step;
  } else {
    far |= UINT32_C(1) << (-step - 32);
  }
  put_column32(nears, in->row, near);
  put_column32(fars, in->row, far);
}

static enum journal_result write_bound(const struct intake *in, uint64_t bound)
{
  uint8_t value[BOUND_LONG_BYTES];
  size_t size = bound >> 32 ? BOUND_LONG_BYTES : BOUND_SHORT_BYTES;
  for (size_t i = 0; i < size; i++) value[i] = (uint8_t)(bound >> 8 * (size - 1 - i));
  return journal_append(&in->journal, KIND_REPLAY_BOUND, (uint8_t)in->row, value, size);
}

int32_t intake_mark(const struct intake *in, int32_t answer)
{
  unsigned rows = rows_of(in);
  uint8_t *aheads = in->columns + COLUMN_AHEAD * rows + 1, *exacts = aheads + rows;
  double highest;
  int64_t step, ahead;
  memcpy(&highest, in->columns + 8 * in->row, sizeof highest);
  if (!(highest >= 0 && highest <= (double)SEQUENCE_MAX)) return answer;
  step = (int64_t)in->sequence - (int64_t)highest;
  if (step > 0) {
    ahead = aheads[in->row] - step;
    if (ahead < 0) {
      /* The bound on flash does not cover this number: one that does goes there first. */
      bool burst = exacts[in->row] >= EXACT_WRITES;
      ahead = burst ? RUN_AHEAD : 0;
      switch (write_bound(in, in->sequence + (uint64_t)ahead)) {
      case JOURNAL_DECLINED: return answer;
      case JOURNAL_REFUSED: return INTAKE_STORE_FAILED; // check: intake-mark-durable
      case JOURNAL_DURABLE: break;
      }
      if (!burst) exacts[in->row]++;
    }
    aheads[in->row] = (uint8_t)ahead;
  }
  mark_window(in, step);
  return answer | INTAKE_MARKED | (step > 0 ? INTAKE_TOP : 0);
}

int32_t intake_take(struct intake *in, const struct aes128 *const *keys, unsigned lines,
    uint8_t result[INTAKE_RESULT_BYTES])
{
  int32_t answer = intake_locate(in);
  in->opened = false;
  if (answer < 0) return answer;
  if (in->line >= lines || !keys[in->line]) return INTAKE_DECLINED;
  in->opened = true;
  answer = intake_open(in, keys[in->line], result);
  if (answer < 0 || !(answer & INTAKE_LIGHT)) return answer;
  return intake_mark(in, answer);
}
