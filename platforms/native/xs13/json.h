/*
 * A reader for one JSON text in memory that allocates nothing: the caller walks it in order.
 *
 *   json_open(&j, text, length);
 *   if (json_object(&j)) while (json_key(&j, key, sizeof key)) { ... read or json_skip(&j) ... }
 *   if (!json_end(&j)) the text is not JSON, or not what was asked for
 *
 * Strict in syntax (RFC 8259: no trailing commas, no comments, no control characters in strings,
 * one value and nothing behind it), tolerant in content: unknown keys are skipped, order does not
 * matter. After the first fault every call returns false, so callers check once, at the end.
 */
#ifndef LUMICAST_JSON_H
#define LUMICAST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 16 };

struct json {
  const char *at, *end;
  unsigned depth;
  uint32_t started; /* bit n: depth n holds an element already */
  bool failed;
};

void json_open(struct json *j, const char *text, size_t length);
/* '{', '[', '"', '0' (number), 't' (true or false), 'n' (null), or 0 */
char json_peek(struct json *j);
bool json_object(struct json *j);
/* The next key of the object (cut to fit), or false behind the last one. */
bool json_key(struct json *j, char *key, size_t size);
bool json_array(struct json *j);
/* True when there is a next item to read; false behind the last one. */
bool json_item(struct json *j);
/* Decoded to UTF-8 with a final NUL; fails when it does not fit or holds a NUL. */
bool json_string(struct json *j, char *out, size_t size);
bool json_number(struct json *j, double *out);
/* A whole number from 0 to 2^53 - 1. */
bool json_whole(struct json *j, uint64_t *out);
bool json_bool(struct json *j, bool *out);
void json_skip(struct json *j);
/* True when the whole text was read without a fault. */
bool json_end(struct json *j);

#endif
