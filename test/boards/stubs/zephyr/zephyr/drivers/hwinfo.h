#ifndef STUB_HWINFO_H
#define STUB_HWINFO_H
#include <stdint.h>
#define RESET_PIN (1U << 0)
#define RESET_SOFTWARE (1U << 1)
#define RESET_BROWNOUT (1U << 2)
#define RESET_WATCHDOG (1U << 4)
#define RESET_CPU_LOCKUP (1U << 8)
int hwinfo_get_reset_cause(uint32_t *cause);
int hwinfo_clear_reset_cause(void);
#endif
