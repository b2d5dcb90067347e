/*
 * platforms/nrf52840 on this computer, under the sanitizers, Zephyr played by zephyr_*.c: one boot
 * after the other of the same chip. Prints a line for each test; exits 1 if one failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../platforms/native/board.h"
#include "../../../platforms/native/partition.h"
#include "../../../platforms/native/pattern.h"
#include "../../../platforms/nrf52840/nrf.h"
#include "zephyr.h"

#include <openthread/thread.h>
#include <zephyr/drivers/hwinfo.h>
#include <zephyr/fatal.h>
#include <zephyr/net/socket.h>

static int failures, faults;

static void check(bool good, const char *what, int line)
{
  if (good) return;
  faults++;
  printf("  glue.c:%d: %s\n", line, what);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

/* What the bindings hear. */
static struct board_datagram heard[200];
static unsigned heard_count;
static struct {
  bool down;
  uint64_t micros;
} edges_heard[40];
static unsigned edges_count;

void board_event_datagram(const struct board_datagram *datagram)
{
  heard[heard_count++] = *datagram;
}

void board_event_button(bool down, uint64_t micros)
{
  edges_heard[edges_count].down = down;
  edges_heard[edges_count++].micros = micros;
}

/* Zephyr's SYS_INIT. */
extern int (*const stub_init_read_reason)(void);
extern int (*const stub_init_start_watchdog)(void);
extern int (*const stub_init_start_contacts)(void);
extern int (*const stub_init_start_beats)(void);

static void boot(void)
{
  machine_on(false);
  stub_init_read_reason();
  stub_init_start_watchdog();
  stub_init_start_contacts();
  stub_init_start_beats();
  machine_on(true);
}

/* How often the LED goes on in a pattern's two seconds. */
static unsigned flashes(void)
{
  unsigned count = 0;
  bool before = led_lit;
  for (int i = 0; i < 16; i++) {
    slot();
    count += led_lit && !before;
    before = led_lit;
  }
  return count;
}

static const char good_dataset[] =
  "0e080000000000010000000300000f0208112233445566778805100123456789abcdef0123456789abcdef"
  "0708fd0123456789abcd01021234";
static const uint8_t group[16] = {0xFF, 0x35, [15] = 7};
static const uint8_t peer[16] = {0xFD, 1, [15] = 9};

static void settings(void)
{
  CHECK(nrf_setting("dataset", "0e08zz") != NULL);
  CHECK(nrf_setting("dataset", "0e0800000000000100") != NULL); /* ends within a field */
  CHECK(nrf_setting("router", "yes") != NULL);
  CHECK(nrf_setting("ssid", "x") != NULL);
  CHECK(nrf_setting("router", "0") == NULL);
  CHECK(board_pin("button", 9) != NULL);
}

/* No dataset: no network and nothing run, but the sockets open, and the LED says so. */
static void no_dataset(void)
{
  static const uint16_t many[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  uint8_t address[16];
  CHECK(board_net_open(many, 8) != NULL);
  CHECK(!thread_runs);
  CHECK(flashes() == 3);
  board_net_address(address);
  CHECK(address[0] == 0xFE);
}

static void opens(void)
{
  static const uint16_t ports[2] = {5684, 5683};
  uint8_t address[16], eui64[8];
  int value;
  CHECK(nrf_setting("dataset", good_dataset) == NULL);
  CHECK(board_net_open(ports, 2) == NULL);
  CHECK(thread_runs && stored_size == 57 && !is_router_eligible);
  CHECK(network_option(5683, IPV6_RECVPKTINFO, &value) && value == 1);
  CHECK(network_option(5684, IPV6_MULTICAST_HOPS, &value) && value == 16);
  CHECK(network_option(5684, IPV6_MULTICAST_LOOP, &value) && value == 0);
  board_net_address(address);
  CHECK(address[0] == 0xFD && address[1] == 1);
  board_eui64(eui64);
  CHECK(eui64[0] == 0xF4 && eui64[7] == 1);
}

/* Joins wait for the network, and are made again when the role changes. */
static void joins(void)
{
  uint8_t other[16] = {0xFF, 0x35};
  CHECK(board_net_join(group));
  CHECK(!is_subscribed(group));
  thread_role(OT_DEVICE_ROLE_DETACHED);
  CHECK(!is_subscribed(group));
  thread_role(OT_DEVICE_ROLE_CHILD);
  CHECK(is_subscribed(group));
  thread_role(OT_DEVICE_ROLE_ROUTER);
  CHECK(is_subscribed(group) && subscriptions() == 1);
  for (uint8_t i = 1; i < 16; i++) {
    other[15] = (uint8_t)(100 + i);
    CHECK(board_net_join(other) && is_subscribed(other));
  }
  other[15] = 200;
  CHECK(!board_net_join(other)); /* a seventeenth */
  CHECK(!board_net_join(peer));  /* no multicast address */
  for (uint8_t i = 1; i < 16; i++) {
    other[15] = (uint8_t)(100 + i);
    board_net_leave(other);
    CHECK(!is_subscribed(other));
  }
  CHECK(subscriptions() == 1 && lock_depth == 0);
}

static struct wire wire_to(const uint8_t to[16], uint16_t port, const void *bytes, size_t size)
{
  struct wire wire = {.from_port = 40000, .to_port = port, .size = size, .bytes = bytes};
  memcpy(wire.from, peer, 16);
  memcpy(wire.to, to, 16);
  return wire;
}

static void receives(void)
{
  static const uint8_t large[BOARD_DATAGRAM_BYTES_MAX + 1];
  struct wire first = wire_to(group, 5684, "one", 3), second = wire_to(peer, 5683, "", 0);
  struct wire cut = wire_to(group, 5683, large, sizeof large);
  struct wire whole = wire_to(group, 5683, large, sizeof large - 1);
  struct wire blind = wire_to(group, 5683, "blind", 5);
  blind.no_pktinfo = true;
  now_ticks = 5000000;
  network_arrives(&first);
  network_settles();
  now_ticks = 6000000;
  network_arrives(&second);
  network_arrives(&cut);
  network_arrives(&blind);
  network_arrives(&whole);
  network_settles();
  CHECK(machine_turn() > 0 && heard_count == 3);
  CHECK(!memcmp(heard[0].from, peer, 16) && !memcmp(heard[0].to, group, 16));
  CHECK(heard[0].from_port == 40000 && heard[0].to_port == 5684 && heard[0].micros == 5000000);
  CHECK(heard[0].size == 3 && !memcmp(heard[0].bytes, "one", 3));
  CHECK(!memcmp(heard[1].to, peer, 16) && heard[1].size == 0 && heard[1].micros == 6000000);
  CHECK(heard[2].size == BOARD_DATAGRAM_BYTES_MAX);
  heard_count = 0;
}

/* A burst: no turn takes more than a few, none is lost that found room, and the next one wakes. */
static void floods(void)
{
  struct wire wire = wire_to(group, 5683, "0123456789", 10);
  unsigned before;
  for (int i = 0; i < 100; i++) network_arrives(&wire);
  network_settles();
  do {
    before = heard_count;
    if (!machine_turn()) break;
    CHECK(heard_count - before <= 16); /* a message and the one it left behind */
  } while (true);
  CHECK(heard_count > 40 && heard_count < 100); /* 4 KB of them */
  heard_count = 0;
  network_arrives(&wire);
  network_settles();
  CHECK(machine_turn() == 1 && heard_count == 1);
  heard_count = 0;
  /* XS's queue is full: the next datagram wakes it, or the beat does. */
  queue_full(true);
  network_arrives(&wire);
  network_settles();
  queue_full(false);
  CHECK(machine_turn() == 0 && heard_count == 0);
  beat();
  CHECK(machine_turn() == 1 && heard_count == 1);
  heard_count = 0;
}

static void sends(void)
{
  static const uint8_t near[16] = {0xFE, 0x80, [15] = 1};
  CHECK(board_net_send(group, 5684, 5683, "hello", 5));
  CHECK(sent.to_port == 5684 && sent.from_port == 5683 && sent.size == 5 && scope_sent == 0);
  CHECK(!memcmp(sent.to, group, 16));
  CHECK(board_net_send(near, 5683, 5684, "x", 1) && scope_sent == 1 && sent.from_port == 5684);
  CHECK(!board_net_send(group, 5683, 9999, "x", 1)); /* nobody listens there for the answer */
  no_buffers = true;
  CHECK(!board_net_send(group, 5683, 5683, "x", 1));
  no_buffers = false;
}

/* Without the network the button works, and the LED tells. */
static void button(void)
{
  thread_role(OT_DEVICE_ROLE_DETACHED);
  now_ticks = 7000000;
  button_down = true;
  button_interrupt();
  CHECK(machine_turn() == 1 && edges_count == 1);
  CHECK(edges_heard[0].down && edges_heard[0].micros == 7000000);
  for (int i = 0; i < 40; i++) { /* bounce, faster than XS comes by */
    button_down = !button_down;
    button_interrupt();
  }
  button_down = false; /* whose interrupt got lost */
  CHECK(machine_turn() == 1);
  CHECK(edges_count > 1 && !edges_heard[edges_count - 1].down);
  edges_count = 0;
  queue_full(true);
  button_down = true;
  button_interrupt();
  queue_full(false);
  CHECK(machine_turn() == 0);
  beat();
  machine_turn();
  CHECK(edges_count == 1 && edges_heard[0].down);
  thread_role(OT_DEVICE_ROLE_CHILD);
}

static void lamp(void)
{
  board_light(254, 154, -1, -1);
  CHECK(pulses[0] == 500000 && pulses[1] == 0);
  board_light(254, 370, -1, -1);
  CHECK(pulses[0] == 0 && pulses[1] == 500000);
  board_light(0, 250, -1, -1);
  CHECK(pulses[0] == 0 && pulses[1] == 0 && !board_light_failed());
  pwm_broken = true;
  board_light(127, 250, -1, -1);
  CHECK(board_light_failed());
  pwm_broken = false;
}

static void flash(void)
{
  struct board_flash geometry = {0};
  uint8_t read[8];
  CHECK(board_flash_open(&geometry) == NULL);
  CHECK(geometry.size == FLASH_BYTES && geometry.erase_bytes == 4096);
  CHECK(geometry.program_bytes == 4);
  CHECK(board_flash_erase(4096));
  CHECK(board_flash_program(4096, "12345678", 8));
  CHECK(board_flash_read(4096, read, 8) && !memcmp(read, "12345678", 8));
  CHECK(board_flash_erase(4096));
  CHECK(board_flash_read(4096, read, 8) && read[0] == 0xFF && read[7] == 0xFF);
  CHECK(board_flash_erase(FLASH_BYTES - 4096));
}

/* Flash that fails says so, to the store and to the person. */
static void flash_fails(void)
{
  nrf_status(PATTERN_SETUP, false); /* of no_dataset */
  CHECK(flashes() == 0);
  nrf_indicator(PATTERN_OPEN);
  CHECK(flashes() == 4);
  nrf_indicator(PATTERN_OFF);
  CHECK(board_flash_erase(8192));
  flash_lies = true;
  CHECK(!board_flash_program(8192, "1234", 4));
  flash_lies = false;
  CHECK(flashes() == 2);
  nrf_indicator(PATTERN_ARMED);
  CHECK(flashes() == 2); /* the fault comes first */
  nrf_indicator(PATTERN_OFF);
  CHECK(board_flash_program(8196, "1234", 4));
  CHECK(!board_flash_program(8196, "1234", 4)); /* a second program of a unit */
  CHECK(!board_flash_read(FLASH_BYTES - 4, &faults, 8));
  CHECK(flashes() == 2);
}

static void restarts(void)
{
  CHECK(board_restart_reason() == NULL);
  if (!setjmp(rebooted)) board_restart("provisioning.version: 2, this firmware reads 1");
  CHECK(flashes() == 3);
  reset_flags = RESET_SOFTWARE;
  boot();
  CHECK(!strcmp(board_restart_reason(), "provisioning.version: 2, this firmware reads 1"));
  boot(); /* and by the reset button: nothing to tell */
  CHECK(board_restart_reason() == NULL);
  if (!setjmp(rebooted)) k_sys_fatal_error_handler(4, NULL);
  reset_flags = RESET_SOFTWARE;
  boot();
  CHECK(strstr(board_restart_reason(), "fault 4 in thread main_thread"));
}

/* The watchdog is fed by a machine that comes by, and by nothing else. */
static void wedged(void)
{
  unsigned before = fed;
  beat();
  CHECK(fed == before);
  machine_turn();
  CHECK(fed == before + 1);
  button_interrupt();
  machine_turn();
  CHECK(fed == before + 1);
  nrf_note("flash erase"); /* which does not return */
  beat();
  CHECK(fed == before + 1);
  reset_flags = RESET_WATCHDOG;
  boot();
  CHECK(!strcmp(board_restart_reason(), "watchdog in flash erase"));
}

/* A network that went on to a newer dataset is not taken back to the image's. */
static void newer_dataset(void)
{
  stored[7] = 2; /* the last byte of the active timestamp's seconds */
  CHECK(nrf_setting("dataset", good_dataset) == NULL);
  CHECK(nrf_thread_open() == NULL && stored[7] == 2);
  stored[7] = 0;
  CHECK(nrf_thread_open() == NULL && stored[7] == 1);
}

static void run(const char *name, void (*test)(void))
{
  faults = 0;
  test();
  printf("%s %s\n", faults ? "not ok" : "ok", name);
  failures += faults != 0;
}

int main(void)
{
  chip.size = FLASH_BYTES;
  chip.unit = 4;
  chip.bytes = malloc(FLASH_BYTES);
  chip.used = calloc(1, nor_map_bytes(FLASH_BYTES, 4));
  memset(chip.bytes, 0xFF, FLASH_BYTES);
  boot();
  run("settings: each wrong one is refused", settings);
  run("no dataset: nothing runs, and the LED says so", no_dataset);
  run("network: opened as the mesh needs it", opens);
  run("groups: joined when there is a network, and again", joins);
  run("receiving: sources, destinations, times; what is cut or blind is dropped", receives);
  run("receiving: a flood delays nothing and loses no wake-up", floods);
  run("sending: from bound ports, never waiting", sends);
  run("button: works without a network and through lost interrupts", button);
  run("lamp: two whites, and a driver that fails", lamp);
  run("flash: units, pages, NOR rules", flash);
  run("flash: a failure is told to the store and by the LED", flash_fails);
  run("restart: the reason is told once", restarts);
  run("watchdog: bites when the machine is held up, and says where", wedged);
  run("dataset: the newer one stays", newer_dataset);
  free(chip.bytes);
  free(chip.used);
  return failures > 0;
}
