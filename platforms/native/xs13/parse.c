/* Control lines, parsed. Apart from control.c so that unit tests can feed it without a socket. */
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "json.h"

/* What has been seen of a line or an event: it has to be one thing. */
enum {
  SEEN_GRANT = 1, SEEN_EVENTS = 2, SEEN_USAGE = 4, SEEN_STOP = 8,
  SEEN_AT = 16, SEEN_KIND = 32, SEEN_TWO_KINDS = 64, SEEN_ACKED = 128, SEEN_TRANSMITTED = 256,
  SEEN_CENSUS = 512,
};

static struct event *events;
static size_t event_capacity;

static struct event *event_place(size_t index)
{
  if (index == event_capacity) {
    size_t capacity = event_capacity ? event_capacity * 2 : 16;
    struct event *grown = realloc(events, capacity * sizeof *events);
    if (!grown) abort();
    events = grown;
    event_capacity = capacity;
  }
  return &events[index];
}

static int digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_frame(struct json *j, struct event *event)
{
  char hex[2 * FRAME_MAX_BYTES + 1];
  size_t size;
  if (!json_string(j, hex, sizeof hex)) return false;
  size = strlen(hex);
  if (size % 2) return false;
  for (size_t i = 0; i < size; i += 2) {
    int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return false;
    event->frame[i / 2] = (uint8_t)(high << 4 | low);
  }
  event->size = (uint8_t)(size / 2);
  return true;
}

static bool parse_id(struct json *j, struct event *event)
{
  uint64_t id;
  if (!json_whole(j, &id) || id > UINT32_MAX) return false;
  event->id = (uint32_t)id;
  return true;
}

/* The fields that say what an event is; -1 when the key is another one. */
static int parse_kind(struct json *j, const char *key, struct event *event)
{
  static const char *const kinds[] = {"frame", "sent", "button", "motion", "lux", "lampFailed"};
  int kind = EVENT_FRAME;
  while (kind <= EVENT_LAMP && strcmp(key, kinds[kind])) kind++;
  if (kind > EVENT_LAMP) return -1;
  event->kind = kind;
  if (kind == EVENT_FRAME) return parse_frame(j, event);
  if (kind == EVENT_SENT) return parse_id(j, event);
  if (kind == EVENT_LUX) return json_number(j, &event->lux);
  return json_bool(j, &event->flag);
}

static bool parse_event(struct json *j, struct event *event)
{
  unsigned seen = 0;
  char key[16];
  bool acked = false;
  memset(event, 0, sizeof *event);
  if (!json_object(j)) return false;
  while (json_key(j, key, sizeof key)) {
    int kind;
    if (!strcmp(key, "at")) {
      if (!json_whole(j, &event->at)) return false;
      seen |= SEEN_AT;
    } else if (!strcmp(key, "acked")) {
      if (!json_bool(j, &acked)) return false;
      seen |= SEEN_ACKED;
    } else if (!strcmp(key, "transmitted")) {
      if (!json_bool(j, &event->transmitted)) return false;
      seen |= SEEN_TRANSMITTED;
    } else if ((kind = parse_kind(j, key, event)) >= 0) {
      if (!kind) return false;
      seen |= seen & SEEN_KIND ? SEEN_TWO_KINDS : SEEN_KIND;
    } else {
      json_skip(j);
    }
  }
  if (event->kind == EVENT_SENT) {
    event->flag = acked;
    if (!(seen & SEEN_ACKED) || !(seen & SEEN_TRANSMITTED)) return false;
  }
  return !j->failed && (seen & SEEN_AT) && (seen & SEEN_KIND) && !(seen & SEEN_TWO_KINDS);
}

static bool parse_events(struct json *j, struct message *message)
{
  if (!json_array(j)) return false;
  while (json_item(j)) {
    struct event *event = event_place(message->event_count);
    if (!parse_event(j, event)) return false;
    if (message->event_count && event->at < event[-1].at) return false;
    message->event_count++;
  }
  return !j->failed;
}

static unsigned parse_fields(struct json *j, struct message *message)
{
  unsigned seen = 0;
  char key[16];
  bool flag;
  if (!json_object(j)) return 0;
  while (json_key(j, key, sizeof key)) {
    if (!strcmp(key, "grant")) {
      seen |= json_whole(j, &message->grant) ? SEEN_GRANT : 0;
    } else if (!strcmp(key, "events")) {
      message->event_count = 0; /* of a repeated key the last counts */
      if (!parse_events(j, message)) return 0;
      seen |= SEEN_EVENTS;
    } else if (!strcmp(key, "usage")) {
      seen |= json_bool(j, &flag) && flag ? SEEN_USAGE : 0;
    } else if (!strcmp(key, "census")) {
      seen |= json_bool(j, &flag) && flag ? SEEN_CENSUS : 0;
    } else if (!strcmp(key, "stop")) {
      seen |= json_bool(j, &flag) && flag ? SEEN_STOP : 0;
    } else {
      json_skip(j);
    }
  }
  return seen;
}

bool control_parse(const char *line, size_t size, struct message *message, const char **reason)
{
  struct json j;
  unsigned seen;
  memset(message, 0, sizeof *message);
  json_open(&j, line, size);
  seen = parse_fields(&j, message);
  message->events = events;
  *reason = "it is not JSON, or an event lacks \"at\" or its kind, or they are not in order";
  if (!json_end(&j)) return false;
  *reason = "it is neither a grant, nor usage, census or stop";
  if (seen & SEEN_GRANT) message->request = REQUEST_GRANT;
  else if (seen & SEEN_USAGE) message->request = REQUEST_USAGE;
  else if (seen & SEEN_CENSUS) message->request = REQUEST_CENSUS;
  else if (seen & SEEN_STOP) message->request = REQUEST_STOP;
  else return false;
  *reason = "an event is later than its grant";
  return !message->event_count || message->events[message->event_count - 1].at <= message->grant;
}
