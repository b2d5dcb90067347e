#include "intake_member.h"

#include <string.h>

/* modules/ports/intake-member.ts: a head, groups, members, then bytes that those point to. */
enum {
  TABLE_GROUPS = 0, TABLE_PORTS = 1, TABLE_MEMBERS = 2, TABLE_PORT = 4, HEAD_BYTES = 20,
  GROUP_ADDRESS = 0, GROUP_ID = 16, GROUP_ASSOCIATION = 20, GROUP_WINDOW = 22, GROUP_TAG = 23,
  GROUP_MIDDLE = 24, GROUP_LAST = 28, GROUP_KEY_ID_SIZE = 32, GROUP_KEY_ID = 33, GROUP_BYTES = 48,
  MEMBER_ASSOCIATION = 0, MEMBER_ID_SIZE = 2, MEMBER_ID = 3, MEMBER_BASE = 10,
  MEMBER_FIRST = 24, MEMBER_CREDENTIAL = 28, MEMBER_BYTES = 32,
};
enum { PORTS_MAX = 8, KEY_ID_MAX_BYTES = GROUP_BYTES - GROUP_KEY_ID, ADDRESS_BYTES = 16 };

/* NON of version 1, POST outside (WIRE.md), one option: OSCORE's */
enum { HEAD_NON = 0x50, HEAD_TYPE = 0xF0, OUTER_REQUEST = 2, OPTION_OSCORE = 9 };
enum { TOKEN_MAX_BYTES = 8, PAYLOAD_MARKER = 0xFF, DATAGRAM_MAX_BYTES = 1280 };
/* RFC 10021: Group Flag, kid context and kid, above the partial IV's length */
enum { FLAGS_FIXED = 0x38, PIV_SIZE_BITS = 0x07, PIV_MAX_BYTES = 5, ID_MAX_BYTES = 7 };
enum { SIGNATURE_BYTES = 64, NONCE_BYTES = CCM_NONCE_BYTES };
enum { AAD_START_BYTES = 14, AAD_MAX_BYTES = 320 };

/* What stands outside, and whose it is. */
struct found {
  struct intake_bytes option, key_id;
  const uint8_t *group, *member;
};

static unsigned load16(const uint8_t *p)
{
  return (unsigned)p[0] << 8 | p[1];
}

static const uint8_t *group_at(const uint8_t *tables, unsigned i)
{
  return tables + HEAD_BYTES + GROUP_BYTES * i;
}

static const uint8_t *member_at(const uint8_t *tables, unsigned i)
{
  return group_at(tables, tables[TABLE_GROUPS]) + MEMBER_BYTES * i;
}

static bool well_formed(const struct intake_bytes *tables)
{
  const uint8_t *data = tables->data;
  return tables->size >= HEAD_BYTES && data[TABLE_PORTS] <= PORTS_MAX &&
         tables->size >= HEAD_BYTES + (size_t)GROUP_BYTES * data[TABLE_GROUPS] +
                             (size_t)MEMBER_BYTES * data[TABLE_MEMBERS];
}

/* Bytes elsewhere in the tables: where they begin, and how many; none where they reach too far. */
static struct intake_bytes part(const struct intake_bytes *tables, const uint8_t *at)
{
  size_t start = load16(at), size = load16(at + 2);
  if (start > tables->size || size > tables->size - start) return (struct intake_bytes){at, 0};
  return (struct intake_bytes){tables->data + start, size};
}

static bool listens_on(const uint8_t *tables, unsigned port)
{
  for (unsigned i = 0; i < tables[TABLE_PORTS]; i++)
    if (load16(tables + TABLE_PORT + 2 * i) == port) return true;
  return false;
}

/* Header, the one option, payload: false where it is anything else, or not whole. */
static bool read_outside(struct intake *in, struct found *found)
{
  const uint8_t *bytes = in->datagram.data;
  size_t end = in->datagram.size, at, size;
  if (end > DATAGRAM_MAX_BYTES || end < 4) return false; // check: member-size
  if ((bytes[0] & HEAD_TYPE) != HEAD_NON) return false; // check: member-type
  if ((bytes[0] & 15) > TOKEN_MAX_BYTES) return false; // check: member-token-length
  if (bytes[1] != OUTER_REQUEST) return false; // check: member-outer-code
  at = 4 + (bytes[0] & 15u);
  if (at + 1 >= end || bytes[at] >> 4 != OPTION_OSCORE) return false; // check: member-option
  size = bytes[at++] & 15;
  if (size == 13) size = bytes[at++] + 13u;
  else if (size > 13) return false;
  /* At least the marker and one byte sealed come before the signature. */
  if (size + 2 + SIGNATURE_BYTES > end - at) return false; // check: member-whole
  found->option = (struct intake_bytes){bytes + at, size};
  at += size;
  if (bytes[at] != PAYLOAD_MARKER) return false; // check: member-marker
  in->payload_start = at + 1;
  return true;
}

/* modules/oscore/option.ts, of a request in group mode; the ids end up in `in` and `found`. */
static bool read_option(struct intake *in, struct found *found)
{
  const uint8_t *at = found->option.data, *end = at + found->option.size;
  unsigned flags;
  size_t rest;
  bool whole;
  if (at == end) return false;
  flags = *at++;
  in->piv_size = flags & PIV_SIZE_BITS;
  if ((flags & ~(unsigned)PIV_SIZE_BITS) != FLAGS_FIXED) return false; // check: member-flags
  if (in->piv_size == 0 || in->piv_size > PIV_MAX_BYTES) return false; // check: member-piv-length
  rest = (size_t)(end - at);
  /* partial IV, length of the Gid, Gid */
  whole = rest > in->piv_size && rest - in->piv_size > at[in->piv_size];
  if (!whole) return false;
  if (*at == 0 && in->piv_size > 1) return false; // check: member-piv-minimal
  in->piv = at;
  in->sequence = 0;
  for (unsigned i = 0; i < in->piv_size; i++) in->sequence = in->sequence << 8 | *at++;
  found->key_id.size = *at++;
  found->key_id.data = at;
  at += found->key_id.size;
  in->kid = at;
  rest = (size_t)(end - at);
  in->kid_size = (uint8_t)rest;
  return rest <= ID_MAX_BYTES;
}

/* modules/groups/candidates.ts: the group that is heard there and has this Gid. */
static bool find_group(const struct intake *in, struct found *found)
{
  const uint8_t *tables = in->tables.data;
  for (unsigned i = 0; i < tables[TABLE_GROUPS]; i++) {
    const uint8_t *group = group_at(tables, i);
    bool is_there;
    if (group[GROUP_KEY_ID_SIZE] != found->key_id.size) continue;
    if (found->key_id.size > KEY_ID_MAX_BYTES) continue;
    if (memcmp(group + GROUP_KEY_ID, found->key_id.data, found->key_id.size) != 0) continue;
    is_there = memcmp(group + GROUP_ADDRESS, in->address.data, ADDRESS_BYTES) == 0;
    if (!is_there) continue; // check: member-address
    found->group = group;
    return true;
  }
  return false;
}

/* modules/groups/contexts.ts */
static bool find_member(struct intake *in, struct found *found)
{
  const uint8_t *tables = in->tables.data;
  for (unsigned i = 0; i < tables[TABLE_MEMBERS]; i++) {
    const uint8_t *member = member_at(tables, i);
    bool is_theirs;
    if (member[MEMBER_ID_SIZE] != in->kid_size) continue;
    if (memcmp(member + MEMBER_ID, in->kid, in->kid_size) != 0) continue;
    is_theirs = memcmp(member, found->group + GROUP_ASSOCIATION, 2) == 0;
    if (!is_theirs) continue; // check: member-association
    found->member = member;
    in->line = i;
    return true;
  }
  return false;
}

static uint8_t *put(uint8_t *at, struct intake_bytes bytes)
{
  memcpy(at, bytes.data, bytes.size);
  return at + bytes.size;
}

/* A CBOR byte string of less than 256 bytes. */
static uint8_t *put_string(uint8_t *at, struct intake_bytes bytes)
{
  if (bytes.size >= 24) {
    *at++ = 0x58;
    *at++ = (uint8_t)bytes.size;
  } else {
    *at++ = (uint8_t)(0x40 + bytes.size);
  }
  return put(at, bytes);
}

/* Enc(h'', [first..., piv, middle..., option, credential, last]); 0 when there is no room. `aad` is
   to be read from the address that is returned in `start`. */
static size_t additional_data(const struct intake *in, const struct found *found,
    uint8_t aad[AAD_MAX_BYTES], uint8_t **start)
{
  static const uint8_t head[] = {0x83, 0x68, 'E', 'n', 'c', 'r', 'y', 'p', 't', '0', 0x40};
  const struct intake_bytes first = part(&in->tables, found->member + MEMBER_FIRST);
  const struct intake_bytes credential = part(&in->tables, found->member + MEMBER_CREDENTIAL);
  const struct intake_bytes middle = part(&in->tables, found->group + GROUP_MIDDLE);
  const struct intake_bytes last = part(&in->tables, found->group + GROUP_LAST);
  size_t size = first.size + credential.size + middle.size + last.size + found->option.size + 10;
  uint8_t *at = aad + AAD_START_BYTES, *external = at;
  if (size > AAD_MAX_BYTES - AAD_START_BYTES) return 0; // check: member-aad-bounds
  at = put(at, first);
  at = put_string(at, (struct intake_bytes){in->piv, in->piv_size});
  at = put(at, middle);
  at = put_string(at, found->option);
  at = put(at, credential);
  at = put(at, last);
  size = (size_t)(at - external);
  *--external = (uint8_t)size;
  if (size >= 256) *--external = (uint8_t)(size >> 8);
  *--external = size >= 256 ? 0x59 : 0x58;
  *start = external - sizeof head;
  memcpy(*start, head, sizeof head);
  return size < 24 ? 0 : (size_t)(at - *start);
}

static void make_nonce(const struct intake *in, const uint8_t *base, uint8_t nonce[NONCE_BYTES])
{
  memcpy(nonce, base, NONCE_BYTES);
  for (unsigned i = 0; i < in->piv_size; i++) nonce[NONCE_BYTES - in->piv_size + i] ^= in->piv[i];
}

/* modules/device/receive-member.ts: rights are an integer's; of 01 and 0001 only the shorter one
   has any, and no id has none. */
static unsigned level(const struct intake *in, const uint8_t *group)
{
  const uint8_t *id = group + GROUP_ID;
  bool is_integer = in->kid_size == 1 || (in->kid_size > 1 && in->kid[0] != 0);
  if (!is_integer) return 0; // check: member-kid-minimal
  return intake_level(in, (uint32_t)load16(id) << 16 | load16(id + 2));
}

static int32_t open_as(struct intake *in, const struct found *found, const struct aes128 *aes,
    uint8_t result[INTAKE_RESULT_BYTES])
{
  uint8_t nonce[NONCE_BYTES], aad[AAD_MAX_BYTES], *start = aad;
  uint8_t *plain = result + INTAKE_RESULT_HEAD_BYTES;
  size_t sealed = in->datagram.size - SIGNATURE_BYTES - in->payload_start;
  struct ccm_box box = {nonce, aad, 0, {found->group[GROUP_TAG], NONCE_BYTES}};
  double sequence = (double)in->sequence;
  size_t size = sealed - box.sizes.tag;
  bool opened;
  /* A size below zero is a large one. */
  if (size > INTAKE_PLAIN_MAX_BYTES) return INTAKE_DECLINED; // check: member-bounds
  box.aad_size = additional_data(in, found, aad, &start);
  if (box.aad_size == 0) return INTAKE_DECLINED;
  box.aad = start;
  make_nonce(in, found->member + MEMBER_BASE, nonce);
  in->opened = true;
  in->blocks = ccm_blocks(box.aad_size, size);
  opened = ccm_open(aes, &box, in->datagram.data + in->payload_start, sealed, plain);
  if (!opened) return INTAKE_FORGED; // check: member-tag
  if (!intake_is_light(plain, size)) return INTAKE_DECLINED; // check: member-light
  memcpy(result, &sequence, sizeof sequence);
  return (int32_t)((uint32_t)in->line << INTAKE_LINE_SHIFT | in->row << INTAKE_ROW_SHIFT |
      level(in, found->group) << INTAKE_LEVEL_SHIFT | INTAKE_LIGHT | INTAKE_MULTICAST |
      (intake_is_newest(in) ? INTAKE_NEWEST : 0) | size);
}

int32_t intake_member_open(struct intake *in, const struct aes128 *const *keys, unsigned lines,
    uint8_t result[INTAKE_RESULT_BYTES])
{
  struct found found;
  bool fresh;
  in->opened = false;
  if (!well_formed(&in->tables) || !intake_well_formed(in)) return INTAKE_DECLINED;
  if (in->address.size != ADDRESS_BYTES) return INTAKE_DECLINED;
  if (!listens_on(in->tables.data, in->port)) return INTAKE_DECLINED; // check: member-port
  if (!read_outside(in, &found) || !read_option(in, &found)) return INTAKE_DECLINED;
  if (!find_group(in, &found) || !find_member(in, &found)) return INTAKE_DECLINED;
  if (in->line >= lines || !keys[in->line]) return INTAKE_DECLINED;
  intake_read_kid(in);
  if (!intake_find_row(in, load16(found.member + MEMBER_ASSOCIATION))) return INTAKE_DECLINED;
  fresh = intake_is_fresh(in, found.group[GROUP_WINDOW]);
  if (!fresh) return INTAKE_REPLAYED; // check: member-fresh
  return open_as(in, &found, keys[in->line], result);
}

unsigned intake_member_tag(const struct intake_bytes *tables, unsigned line)
{
  const uint8_t *member;
  if (!well_formed(tables) || line >= tables->data[TABLE_MEMBERS]) return 0;
  member = member_at(tables->data, line);
  for (unsigned i = 0; i < tables->data[TABLE_GROUPS]; i++) {
    const uint8_t *group = group_at(tables->data, i);
    if (memcmp(member, group + GROUP_ASSOCIATION, 2) == 0) return group[GROUP_TAG];
  }
  return 0;
}
