/*
 * Time for TypeScript: micros(), after(delay, fire), cancel(handle).
 *
 * Timers lie in a fixed pool, ordered by due time and then by age, and hold their function as a
 * root of the garbage collector. A handle is the slot's number with a generation, so cancelling a
 * timer that has fired does nothing. No JavaScript object is made for a timer.
 */
#include "natives.h"

#include "clock.h"
#include "costs.h"

enum { TIMERS_MAX = 256, GENERATIONS = 1 << 20 };

struct timer {
  xsSlot fire;
  uint64_t due; /* since boot, us */
  struct timer *next;
  uint32_t generation;
  bool armed;
};

static struct timer pool[TIMERS_MAX];
static struct timer *first;

static void insert(struct timer *timer)
{
  struct timer **place = &first;
  while (*place && (*place)->due <= timer->due) place = &(*place)->next;
  timer->next = *place;
  *place = timer;
}

static void disarm(xsMachine *the, struct timer *timer)
{
  struct timer **place = &first;
  while (*place != timer) place = &(*place)->next;
  *place = timer->next;
  timer->armed = false;
  timer->generation = (timer->generation + 1) % GENERATIONS;
  xsForget(timer->fire);
}

bool timers_next(uint64_t *micros)
{
  if (first) *micros = first->due;
  return first != NULL;
}

void timers_fire(void *machine)
{
  struct timer *timer = first;
  clock_charge(COST_TIMER);
  xsBeginHost(machine);
  xsmcVars(2);
  xsVar(0) = xsAccess(timer->fire);
  disarm(the, timer);
  call_if_function(the, &xsVar(0), &xsVar(1), 0, NULL);
  xsEndHost(machine);
}

static void native_micros(xsMachine *the)
{
  xsmcSetNumber(xsResult, (double)clock_micros());
}

static void native_after(xsMachine *the)
{
  double delay = xsmcToNumber(xsArg(0));
  unsigned i = 0;
  if (!(delay >= 0 && delay <= 9007199254740991.0)) xsRangeError("after: delay is no time");
  if (!xsmcIsCallable(xsArg(1))) xsTypeError("after: nothing to call");
  while (i < TIMERS_MAX && pool[i].armed) i++;
  if (i == TIMERS_MAX) xsRangeError("more than %d timers are pending", TIMERS_MAX);
  pool[i].armed = true;
  pool[i].due = clock_micros() + (uint64_t)(delay + 0.999999);
  pool[i].fire = xsArg(1);
  xsRemember(pool[i].fire);
  insert(&pool[i]);
  xsmcSetInteger(xsResult, (xsIntegerValue)(pool[i].generation * TIMERS_MAX + i));
}

static void native_cancel(xsMachine *the)
{
  xsIntegerValue handle = xsmcToInteger(xsArg(0));
  struct timer *timer = &pool[handle & (TIMERS_MAX - 1)];
  if (handle < 0 || !timer->armed || timer->generation != (uint32_t)handle / TIMERS_MAX) return;
  disarm(the, timer);
}

const struct native clock_natives[] = {
  {"micros", native_micros, 0},
  {"after", native_after, 2},
  {"cancel", native_cancel, 1},
  {0},
};
