#ifndef STUB_PWM_H
#define STUB_PWM_H
#include <zephyr/kernel.h>
struct pwm_dt_spec {
  const struct device *dev;
  uint32_t channel;
  uint32_t period;
  uint16_t flags;
};
#define PWM_DT_SPEC_GET(node) {&stub_devices[node], node, 500000, 0}
#define PWM_DT_SPEC_GET_OR(node, otherwise) {&stub_devices[node], node, 500000, 0}
bool pwm_is_ready_dt(const struct pwm_dt_spec *spec);
int pwm_set_pulse_dt(const struct pwm_dt_spec *spec, uint32_t pulse_ns);
#endif
