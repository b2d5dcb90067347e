/* The lamp: two whites on two PWM channels, pins.overlay's aliases lumicast-cold and lumicast-warm;
   a lamp of one white has no lumicast-warm. */
#include "../native/board.h"

#include <zephyr/devicetree.h>
#include <zephyr/drivers/pwm.h>

#include "../native/colour.h"

BUILD_ASSERT(DT_NODE_EXISTS(DT_ALIAS(lumicast_cold)),
    "no alias lumicast-cold: is pins.overlay in zephyrOverlay?");

static const struct pwm_dt_spec cold = PWM_DT_SPEC_GET(DT_ALIAS(lumicast_cold));
static const struct pwm_dt_spec warm = PWM_DT_SPEC_GET_OR(DT_ALIAS(lumicast_warm), {0});

/* The whites of common warm and cold LEDs: 6500 K and 2700 K. */
static const struct colour_whites whites = {.cold_mired = 154, .warm_mired = 370};

static bool failed;

static bool set(const struct pwm_dt_spec *channel, uint32_t pulse_ns)
{
  return pwm_is_ready_dt(channel) && pwm_set_pulse_dt(channel, pulse_ns) == 0;
}

void board_light(unsigned level, unsigned mired, int x, int y)
{
  if (!warm.dev) {
    failed = !set(&cold, colour_duty(level, cold.period));
  } else {
    struct colour_duties duties = colour_whites(&whites, level, mired, x, y, cold.period);
    bool good = set(&cold, duties.cold);
    failed = !set(&warm, duties.warm) || !good;
  }
}

/* This board senses no open or shorted LED; only a PWM that does not obey is told. */
bool board_light_failed(void)
{
  return failed;
}
