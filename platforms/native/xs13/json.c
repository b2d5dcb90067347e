#include "json.h"

#include <stdlib.h>
#include <string.h>

void json_open(struct json *j, const char *text, size_t length)
{
  j->at = text;
  j->end = text + length;
  j->depth = 0;
  j->started = 0;
  j->failed = false;
}

static bool fail(struct json *j)
{
  j->failed = true;
  return false;
}

static int next(struct json *j)
{
  while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
    j->at++;
  return !j->failed && j->at < j->end ? (unsigned char)*j->at : -1;
}

char json_peek(struct json *j)
{
  int c = next(j);
  if (c == '-' || (c >= '0' && c <= '9')) return '0';
  if (c == 'f') return 't';
  return c == '{' || c == '[' || c == '"' || c == 't' || c == 'n' ? (char)c : 0;
}

static bool enter(struct json *j, int bracket)
{
  if (next(j) != bracket || j->depth + 1 >= JSON_DEPTH_MAX) return fail(j);
  j->at++;
  j->depth++;
  j->started &= ~(1u << j->depth);
  return true;
}

bool json_object(struct json *j)
{
  return enter(j, '{');
}

bool json_array(struct json *j)
{
  return enter(j, '[');
}

/* Before an element: its comma, or the closing bracket. */
static bool element(struct json *j, int bracket)
{
  uint32_t bit = 1u << j->depth;
  int c = next(j);
  if (c < 0 || j->depth == 0) return fail(j);
  if (c == bracket) {
    j->at++;
    j->depth--;
    return false;
  }
  if (j->started & bit) {
    if (c != ',') return fail(j);
    j->at++;
  }
  j->started |= bit;
  return true;
}

bool json_item(struct json *j)
{
  if (!element(j, ']')) return false;
  return json_peek(j) ? true : fail(j);
}

static int hex4(struct json *j)
{
  int value = 0;
  if (j->end - j->at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    char c = *j->at++;
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f'
        ? (c | 32) - 'a' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

static int unicode_escape(struct json *j)
{
  int high = hex4(j);
  int low;
  if (high < 0xD800 || high > 0xDFFF) return high;
  if (high > 0xDBFF || j->end - j->at < 6 || j->at[0] != '\\' || j->at[1] != 'u') return -1;
  j->at += 2;
  low = hex4(j);
  if (low < 0xDC00 || low > 0xDFFF) return -1;
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static int escape(struct json *j)
{
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  const char *place;
  char c;
  if (j->at >= j->end) return -1;
  c = *j->at++;
  if (c == 'u') return unicode_escape(j);
  place = c ? strchr(names, c) : NULL;
  return place ? values[place - names] : -1;
}

static size_t utf8(int code, char *out)
{
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (char)(0xC0 | code >> 6);
    out[1] = (char)(0x80 | (code & 63));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 63));
    out[2] = (char)(0x80 | (code & 63));
    return 3;
  }
  out[0] = (char)(0xF0 | code >> 18);
  out[1] = (char)(0x80 | (code >> 12 & 63));
  out[2] = (char)(0x80 | (code >> 6 & 63));
  out[3] = (char)(0x80 | (code & 63));
  return 4;
}

/* `exact`: a string that does not fit is a fault; otherwise it is cut. */
static bool string(struct json *j, char *out, size_t size, bool exact)
{
  size_t used = 0;
  if (next(j) != '"') return fail(j);
  j->at++;
  for (;;) {
    char bytes[4];
    size_t count = 1;
    if (j->at >= j->end || (unsigned char)*j->at < 0x20) return fail(j);
    if (*j->at == '"') break;
    bytes[0] = *j->at++;
    if (bytes[0] == '\\') {
      int code = escape(j);
      if (code < 0 || (code == 0 && exact)) return fail(j);
      count = utf8(code, bytes);
    }
    if (used + count < size) {
      memcpy(out + used, bytes, count);
      used += count;
    } else if (exact) {
      return fail(j);
    } else {
      size = used; /* cut: nothing more fits */
    }
  }
  j->at++;
  out[used] = 0;
  return true;
}

bool json_string(struct json *j, char *out, size_t size)
{
  return string(j, out, size, true);
}

bool json_key(struct json *j, char *key, size_t size)
{
  if (!element(j, '}')) return false;
  if (!string(j, key, size, false)) return false;
  if (next(j) != ':') return fail(j);
  j->at++;
  return json_peek(j) ? true : fail(j);
}

static bool digits(struct json *j)
{
  const char *begin = j->at;
  while (j->at < j->end && *j->at >= '0' && *j->at <= '9') j->at++;
  return j->at > begin;
}

bool json_number(struct json *j, double *out)
{
  char text[40];
  const char *begin;
  size_t length;
  if (json_peek(j) != '0') return fail(j);
  begin = j->at;
  if (*j->at == '-') j->at++;
  if (j->at < j->end && *j->at == '0') j->at++;
  else if (!digits(j)) return fail(j);
  if (j->at < j->end && *j->at == '.') {
    j->at++;
    if (!digits(j)) return fail(j);
  }
  if (j->at < j->end && (*j->at | 32) == 'e') {
    j->at++;
    if (j->at < j->end && (*j->at == '+' || *j->at == '-')) j->at++;
    if (!digits(j)) return fail(j);
  }
  length = (size_t)(j->at - begin);
  if (length >= sizeof text) return fail(j);
  memcpy(text, begin, length);
  text[length] = 0;
  *out = strtod(text, NULL);
  return true;
}

bool json_whole(struct json *j, uint64_t *out)
{
  double value;
  if (!json_number(j, &value)) return false;
  if (!(value >= 0 && value <= 9007199254740991.0)) return fail(j);
  *out = (uint64_t)value;
  return (double)*out == value ? true : fail(j);
}

static bool word(struct json *j, const char *text)
{
  size_t length = strlen(text);
  if ((size_t)(j->end - j->at) < length || memcmp(j->at, text, length)) return false;
  j->at += length;
  return true;
}

bool json_bool(struct json *j, bool *out)
{
  if (json_peek(j) != 't') return fail(j);
  *out = *j->at == 't';
  return word(j, *out ? "true" : "false") ? true : fail(j);
}

void json_skip(struct json *j)
{
  char none[1];
  double number;
  bool flag;
  switch (json_peek(j)) {
  case '{':
    if (json_object(j)) while (json_key(j, none, sizeof none)) json_skip(j);
    break;
  case '[':
    if (json_array(j)) while (json_item(j)) json_skip(j);
    break;
  case '"':
    string(j, none, sizeof none, false);
    break;
  case '0':
    json_number(j, &number);
    break;
  case 't':
    json_bool(j, &flag);
    break;
  case 'n':
    if (word(j, "null")) break;
    /* fall through */
  default:
    fail(j);
  }
}

bool json_end(struct json *j)
{
  return next(j) < 0 && !j->failed && j->depth == 0;
}
