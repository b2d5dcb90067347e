#include "dataset.h"

#include <string.h>

struct field {
  uint8_t type, least, most;
  bool needed;
  const char *missing, *length, *twice;
};

#define FIELD(type, least, most, needed, name) \
  {type, least, most, needed, "dataset: " name " is missing", \
    "dataset: " name " has the wrong length", "dataset: " name " is there twice"}

enum { CHANNEL = 0, PAN = 1, EXTENDED_PAN = 2, KEY = 5, PREFIX = 7, TIMESTAMP = 14 };

static const struct field fields[] = {
  FIELD(CHANNEL, 3, 3, true, "the channel (type 0)"),
  FIELD(PAN, 2, 2, true, "the PAN id (type 1)"),
  FIELD(EXTENDED_PAN, 8, 8, true, "the extended PAN id (type 2)"),
  FIELD(3, 1, 16, false, "the network name (type 3)"),
  FIELD(4, 16, 16, false, "the PSKc (type 4)"),
  FIELD(KEY, 16, 16, true, "the network key (type 5)"),
  FIELD(PREFIX, 8, 8, true, "the mesh-local prefix (type 7)"),
  FIELD(12, 3, 4, false, "the security policy (type 12)"),
  FIELD(TIMESTAMP, 8, 8, true, "the active timestamp (type 14)"),
  FIELD(53, 1, 64, false, "the channel mask (type 53)"),
};
enum { FIELDS = sizeof fields / sizeof *fields };

static const char *value_fault(uint8_t type, const uint8_t *value, size_t size)
{
  bool blank = true;
  for (size_t i = 0; i < size; i++) blank &= value[i] == 0;
  if (type == KEY && blank) return "dataset: the network key (type 5) is all zeros";
  /* Channel page 0: 2.4 GHz, where channels 11 to 26 are. */
  if (type == CHANNEL && (value[0] || value[1] || value[2] < 11 || value[2] > 26))
    return "dataset: the channel (type 0) is not one of 11 to 26 on page 0";
  if (type == PAN && value[0] == 0xFF && value[1] == 0xFF)
    return "dataset: the PAN id (type 1) is the broadcast one";
  if (type == PREFIX && value[0] != 0xFD)
    return "dataset: the mesh-local prefix (type 7) does not begin with fd";
  return NULL;
}

const char *dataset_fault(const uint8_t *bytes, size_t size)
{
  uint32_t seen = 0;
  if (size == 0) return "dataset: is empty";
  if (size > DATASET_BYTES_MAX) return "dataset: is longer than 254 bytes";
  for (size_t at = 0; at < size;) {
    const uint8_t *value = bytes + at + 2;
    size_t length;
    if (size - at < 2 || size - at - 2 < bytes[at + 1])
      return "dataset: ends within a field; was it copied whole?";
    length = bytes[at + 1];
    for (unsigned i = 0; i < FIELDS; i++) {
      const struct field *field = &fields[i];
      const char *fault;
      if (field->type != bytes[at]) continue;
      if (seen >> i & 1) return field->twice;
      seen |= 1u << i;
      if (length < field->least || length > field->most) return field->length;
      fault = value_fault(field->type, value, length);
      if (fault) return fault;
    }
    at += 2 + length;
  }
  for (unsigned i = 0; i < FIELDS; i++)
    if (fields[i].needed && !(seen >> i & 1)) return fields[i].missing;
  return NULL;
}

/* The value of a field of eight bytes, NULL when it is not there. */
static const uint8_t *eight(const uint8_t *bytes, size_t size, uint8_t type)
{
  for (size_t at = 0; size - at >= 10; at += 2u + bytes[at + 1]) {
    if (bytes[at] == type && bytes[at + 1] == 8) return bytes + at + 2;
    if (size - at < 2u + bytes[at + 1]) return NULL;
  }
  return NULL;
}

bool dataset_replaces(const uint8_t *ours, size_t ours_size, const uint8_t *kept,
    size_t kept_size)
{
  const uint8_t *our_net = eight(ours, ours_size, EXTENDED_PAN);
  const uint8_t *their_net = eight(kept, kept_size, EXTENDED_PAN);
  const uint8_t *our_time = eight(ours, ours_size, TIMESTAMP);
  const uint8_t *their_time = eight(kept, kept_size, TIMESTAMP);
  if (!our_net || !our_time) return false;
  if (!their_net || !their_time || memcmp(our_net, their_net, 8)) return true;
  /* Seconds, ticks and a flag, all big-endian: byte order is the order of time. */
  return memcmp(our_time, their_time, 8) > 0;
}

static int digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int dataset_from_hex(const char *text, uint8_t bytes[DATASET_BYTES_MAX])
{
  size_t digits = strlen(text);
  if (digits % 2 || digits > 2 * DATASET_BYTES_MAX) return -1;
  for (size_t i = 0; i < digits; i += 2) {
    int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return -1;
    bytes[i / 2] = (uint8_t)(high << 4 | low);
  }
  return (int)(digits / 2);
}
