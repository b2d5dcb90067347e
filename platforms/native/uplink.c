#include "uplink.h"

static struct uplink_step nothing(void)
{
  return (struct uplink_step){UPLINK_NOTHING, UPLINK_KEEP, 0};
}

static struct uplink_step attempt(struct uplink *uplink)
{
  uplink->state = UPLINK_TRYING;
  return (struct uplink_step){UPLINK_CONNECT, UPLINK_SET, UPLINK_TRY_MS};
}

static struct uplink_step pause(struct uplink *uplink, enum uplink_action action, uint32_t chance)
{
  uint32_t doubled = uplink->failures < 6 ? uplink->failures : 6;
  uint32_t ms = (uint32_t)UPLINK_PAUSE_MS << doubled;
  uplink->state = UPLINK_WAITING;
  uplink->failures = doubled + 1;
  if (ms > UPLINK_PAUSE_MAX_MS) ms = UPLINK_PAUSE_MAX_MS;
  return (struct uplink_step){action, UPLINK_SET, ms - ms / 4 + chance % (ms / 2 + 1)};
}

struct uplink_step uplink_on(struct uplink *uplink, enum uplink_event event, uint32_t chance)
{
  switch (event) {
  case UPLINK_OPEN:
    return uplink->state == UPLINK_IDLE ? attempt(uplink) : nothing();
  case UPLINK_ADDRESS:
    if (uplink->state == UPLINK_IDLE || uplink->state == UPLINK_UP) return nothing();
    uplink->state = UPLINK_UP;
    uplink->failures = 0;
    return (struct uplink_step){UPLINK_JOIN, UPLINK_STOP, 0};
  case UPLINK_LOST:
    if (uplink->state == UPLINK_IDLE || uplink->state == UPLINK_WAITING) return nothing();
    return pause(uplink, UPLINK_NOTHING, chance);
  case UPLINK_TIMER:
    if (uplink->state == UPLINK_WAITING) return attempt(uplink);
    if (uplink->state == UPLINK_TRYING) return pause(uplink, UPLINK_DISCONNECT, chance);
    return nothing();
  }
  return nothing();
}
