/*
 * Zephyr and OpenThread as far as platforms/nrf52840 calls them, played by zephyr_*.c for glue.c.
 * What is played follows their documentation, and their sources where those differ from it: the
 * pktinfo message (net_nrf.c), NOR flash (platforms/native/nor.h), the subscription limits.
 */
#ifndef LUMICAST_TEST_ZEPHYR_H
#define LUMICAST_TEST_ZEPHYR_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../platforms/native/nor.h"

enum { FLASH_BYTES = 256 * 1024, QUEUE_MAX = 20, SUBSCRIPTIONS_MAX = 16, PORTS_MAX = 8 };

/* Kernel. */
extern int64_t now_ticks; /* of a microsecond each */
extern jmp_buf rebooted;  /* sys_reboot comes back here */
void beat(void);          /* the timer turn_nrf.c starts */
void slot(void);          /* the one of the LED */
void machine_on(bool on); /* gThe */
unsigned machine_turn(void); /* runs the messages in XS's queue; returns how many there were */
void queue_full(bool full);

/* Pins, lamp, watchdog, resets. */
extern bool led_lit, button_down, pwm_broken;
extern uint32_t pulses[2];
extern unsigned fed;
extern uint32_t reset_flags;
void button_interrupt(void);

/* Flash. */
extern struct nor chip;
extern bool flash_lies; /* programs do nothing and say that they did */

/* Sockets. */
struct wire {
  uint8_t from[16], to[16];
  uint16_t from_port, to_port;
  size_t size;
  const uint8_t *bytes;
  bool no_pktinfo;
};
void network_arrives(const struct wire *datagram);
void network_settles(void); /* until the sockets' thread has taken everything */
bool network_option(uint16_t port, int option, int *value);
extern struct wire sent;
extern unsigned scope_sent;
extern bool no_buffers;

/* OpenThread. */
extern bool thread_runs, is_router_eligible;
extern uint8_t stored[254];
extern uint8_t stored_size;
void thread_role(int role); /* an otDeviceRole; tells the state callback */
bool is_subscribed(const uint8_t group[16]); /* by OpenThread and joined in Zephyr, both */
unsigned subscriptions(void);
extern int lock_depth;

#endif
