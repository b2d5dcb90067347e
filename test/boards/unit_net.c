/* ring.c and edges.c with a thread on each side, uplink.c and groups.c step by step. */
#include <pthread.h>
#include <string.h>

#include "../../platforms/native/edges.h"
#include "../../platforms/native/groups.h"
#include "../../platforms/native/ring.h"
#include "../../platforms/native/uplink.h"
#include "unit.h"

enum { RING_BYTES = 2048 };

static uint8_t ring_bytes[RING_BYTES];
static struct ring ring;
static struct board_datagram out;

static struct ring_head head_of(uint16_t size)
{
  struct ring_head head = {.micros = 1234567890123u + size, .from_port = 5683, .to_port = 5684};
  memset(head.from, 0xA0 + size % 7, sizeof head.from);
  memset(head.to, 0xB0 + size % 5, sizeof head.to);
  head.size = size;
  return head;
}

static bool put(uint16_t size, uint8_t first)
{
  uint8_t bytes[BOARD_DATAGRAM_BYTES_MAX];
  struct ring_head head = head_of(size);
  for (uint16_t i = 0; i < size; i++) bytes[i] = (uint8_t)(first + i);
  if (!ring_begin(&ring, &head)) return false;
  ring_add(&ring, bytes, size / 3);
  ring_add(&ring, bytes + size / 3, 0);
  ring_add(&ring, bytes + size / 3, size - size / 3u);
  return ring_commit(&ring);
}

static bool is_whole(uint8_t first)
{
  struct ring_head head = head_of(out.size);
  if (memcmp(out.from, head.from, 16) || memcmp(out.to, head.to, 16)) return false;
  if (out.micros != head.micros || out.from_port != 5683 || out.to_port != 5684) return false;
  for (uint16_t i = 0; i < out.size; i++)
    if (out.bytes[i] != (uint8_t)(first + i)) return false;
  return true;
}

static void ring_order(void)
{
  unsigned in = 0, taken = 0;
  CHECK(!ring_open(&ring, ring_bytes, 1000) && !ring_open(&ring, ring_bytes, 1024));
  CHECK(ring_open(&ring, ring_bytes, RING_BYTES));
  CHECK(!ring_take(&ring, &out));
  CHECK(put(0, 0) && ring_take(&ring, &out) && out.size == 0 && is_whole(0));
  CHECK(put(BOARD_DATAGRAM_BYTES_MAX, 7) && ring_take(&ring, &out));
  CHECK(out.size == BOARD_DATAGRAM_BYTES_MAX && is_whole(7));
  ring.head = ring.tail = ring.at = 0xFFFFFF00u; /* counts run over after 4 GB */
  for (int i = 0; i < 5000; i++) {
    if (unit_chance() & 1) in += put((uint16_t)(unit_chance() % 700), (uint8_t)in);
    else if (ring_take(&ring, &out)) CHECK(is_whole((uint8_t)taken++));
  }
  while (ring_take(&ring, &out)) CHECK(is_whole((uint8_t)taken++));
  CHECK(in == taken && in > 1000);
}

static void ring_drops(void)
{
  struct ring_head head = head_of(BOARD_DATAGRAM_BYTES_MAX + 1);
  unsigned fit = 0;
  CHECK(ring_open(&ring, ring_bytes, RING_BYTES));
  CHECK(!ring_begin(&ring, &head) && ring_dropped(&ring) == 1 && ring_dropped(&ring) == 0);
  while (put(60, (uint8_t)fit)) fit++;
  CHECK(fit == RING_BYTES / (sizeof head + 60) && ring_dropped(&ring) == 1);
  for (unsigned i = 0; i < fit; i++) CHECK(ring_take(&ring, &out) && is_whole((uint8_t)i));
  head = head_of(10);
  CHECK(ring_begin(&ring, &head));
  ring_add(&ring, "123456789", 9);
  CHECK(!ring_commit(&ring) && !ring_take(&ring, &out)); /* one is missing */
  CHECK(ring_begin(&ring, &head));
  ring_add(&ring, "123456789ab", 11);
  ring_add(&ring, "1234567890", 10);
  CHECK(!ring_commit(&ring) && !ring_take(&ring, &out)); /* one too many */
  CHECK(!ring_commit(&ring) && put(10, 3) && ring_take(&ring, &out) && is_whole(3));
}

static void ring_wakes(void)
{
  CHECK(ring_open(&ring, ring_bytes, RING_BYTES));
  CHECK(put(5, 0) && ring_wake(&ring));
  CHECK(put(5, 0) && !ring_wake(&ring)); /* told already */
  CHECK(!ring_sleep(&ring));             /* there is something */
  CHECK(ring_take(&ring, &out) && ring_take(&ring, &out) && ring_sleep(&ring));
  CHECK(put(5, 0) && ring_wake(&ring));
  ring_wake_failed(&ring);
  CHECK(put(5, 0) && ring_wake(&ring));
}

enum { CROWD = 40000 };
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t bell = PTHREAD_COND_INITIALIZER;
static unsigned rung;
static bool over;

static void ring_bell(bool last)
{
  pthread_mutex_lock(&door);
  rung++;
  over |= last;
  pthread_cond_signal(&bell);
  pthread_mutex_unlock(&door);
}

static void *send_crowd(void *unused)
{
  (void)unused;
  for (unsigned i = 0; i < CROWD;) {
    if (!put((uint16_t)(i % 97), (uint8_t)i)) continue;
    if (ring_wake(&ring)) ring_bell(false);
    i++;
  }
  ring_bell(true);
  return NULL;
}

/* Sleeps until woken: a wake-up that gets lost would hang, and be seen by the test's time limit. */
static void ring_threads(void)
{
  pthread_t sender;
  unsigned taken = 0;
  bool last = false;
  rung = 0;
  over = false;
  CHECK(ring_open(&ring, ring_bytes, RING_BYTES));
  CHECK(pthread_create(&sender, NULL, send_crowd, NULL) == 0);
  while (!last) {
    pthread_mutex_lock(&door);
    while (!rung) pthread_cond_wait(&bell, &door);
    rung = 0;
    last = over;
    pthread_mutex_unlock(&door);
    do
      while (ring_take(&ring, &out)) {
        CHECK(out.size == taken % 97 && is_whole((uint8_t)taken));
        taken++;
      }
    while (!ring_sleep(&ring));
  }
  pthread_join(sender, NULL);
  CHECK(taken == CROWD);
}

static void edges_heal(void)
{
  struct edges edges;
  struct edge up = {100, false}, down = {101, true}, edge;
  edges_open(&edges);
  CHECK(!edges_take(&edges, up, &edge));
  CHECK(edges_put(&edges, (struct edge){10, true}));
  CHECK(!edges_put(&edges, (struct edge){11, true})); /* the same level: bounce that was missed */
  CHECK(!edges_put(&edges, (struct edge){12, false}));
  CHECK(edges_take(&edges, up, &edge) && edge.down && edge.micros == 10);
  CHECK(edges_take(&edges, up, &edge) && !edge.down && edge.micros == 12);
  CHECK(!edges_take(&edges, up, &edge));
  for (unsigned i = 0; i <= EDGES_MAX; i++) edges_put(&edges, (struct edge){i, i % 2 == 0});
  for (unsigned i = 0; i < EDGES_MAX; i++) CHECK(edges_take(&edges, down, &edge));
  CHECK(!edge.down); /* the last press found no room */
  CHECK(edges_take(&edges, down, &edge) && edge.down && edge.micros == 101);
  CHECK(!edges_take(&edges, down, &edge) && edges_put(&edges, up));
  edges_wake_failed(&edges);
  CHECK(edges_put(&edges, up));
}

static bool does(struct uplink *u, enum uplink_event event, enum uplink_action action)
{
  return uplink_on(u, event, (uint32_t)unit_chance()).action == action;
}

static void uplink_for_ever(void)
{
  struct uplink u = {0};
  uint32_t before = 0;
  CHECK(does(&u, UPLINK_TIMER, UPLINK_NOTHING) && does(&u, UPLINK_LOST, UPLINK_NOTHING));
  CHECK(does(&u, UPLINK_OPEN, UPLINK_CONNECT));
  for (int i = 0; i < 1000; i++) {
    struct uplink_step step = uplink_on(&u, UPLINK_LOST, UPLINK_PAUSE_MAX_MS / 4);
    CHECK(step.timer == UPLINK_SET && step.wait_ms >= before && step.wait_ms >= 750);
    CHECK(step.wait_ms <= UPLINK_PAUSE_MAX_MS * 5 / 4);
    if (i < 7) before = step.wait_ms / 2;
    CHECK(does(&u, UPLINK_LOST, UPLINK_NOTHING)); /* said twice */
    step = uplink_on(&u, UPLINK_TIMER, 0);
    CHECK(step.action == UPLINK_CONNECT && step.wait_ms == UPLINK_TRY_MS);
  }
  CHECK(before > 20000);
  CHECK(does(&u, UPLINK_TIMER, UPLINK_DISCONNECT)); /* no address in time */
  CHECK(does(&u, UPLINK_TIMER, UPLINK_CONNECT) && does(&u, UPLINK_ADDRESS, UPLINK_JOIN));
  CHECK(does(&u, UPLINK_ADDRESS, UPLINK_NOTHING) && does(&u, UPLINK_TIMER, UPLINK_NOTHING));
  CHECK(uplink_on(&u, UPLINK_LOST, 0).wait_ms == 750); /* success forgives */
  CHECK(does(&u, UPLINK_ADDRESS, UPLINK_JOIN)); /* back on its own */
}

static void uplink_spreads(void)
{
  uint32_t least = UINT32_MAX, most = 0;
  for (uint32_t chance = 0; chance < 100000; chance += 17) {
    struct uplink u = {UPLINK_TRYING, 20};
    uint32_t wait = uplink_on(&u, UPLINK_LOST, chance).wait_ms;
    if (wait < least) least = wait;
    if (wait > most) most = wait;
  }
  CHECK(least == 45000 && most > 74000 && most <= 75000);
}

static void group_list(void)
{
  struct groups groups = {0};
  uint8_t address[16] = {0xFF, 0x15};
  uint8_t unicast[16] = {0xFD, 0x15};
  CHECK(!groups_add(&groups, unicast) && groups.count == 0);
  for (uint8_t i = 0; i < GROUPS_MAX; i++) {
    address[15] = i;
    CHECK(groups_add(&groups, address) && groups_add(&groups, address));
  }
  address[15] = GROUPS_MAX;
  CHECK(groups.count == GROUPS_MAX && !groups_add(&groups, address));
  CHECK(!groups_remove(&groups, address));
  address[15] = 0;
  CHECK(groups_remove(&groups, address) && !groups_remove(&groups, address));
  for (unsigned i = 0; i < groups.count; i++) CHECK(groups.address[i][15] != 0);
  address[15] = 99;
  CHECK(groups_add(&groups, address) && groups.count == GROUPS_MAX);
}

static unsigned told;
static bool willing;

static bool tell(const uint8_t address[16], bool in)
{
  told += in ? 1u : 100u;
  return address[0] == 0xFF && willing;
}

static void groups_told(void)
{
  struct groups groups = {0};
  const uint8_t address[16] = {0xFF, 0x15, 1}, unicast[16] = {0xFD, 0x15};
  told = 0;
  willing = false;
  CHECK(!groups_join(&groups, address, tell) && told == 1 && groups.count == 0);
  willing = true;
  CHECK(!groups_join(&groups, unicast, tell) && told == 1);
  CHECK(groups_join(&groups, address, tell) && told == 2 && groups.count == 1);
  CHECK(groups_join(&groups, address, tell) && told == 2 && groups.count == 1);
  groups_leave(&groups, address, tell);
  CHECK(told == 102 && groups.count == 0);
  groups_leave(&groups, address, tell);
  CHECK(told == 102);
}

void net_tests(void)
{
  unit_test("ring: what goes in comes out, in order, around the end", ring_order);
  unit_test("ring: what does not fit is counted, never half there", ring_drops);
  unit_test("ring: one wake-up is enough", ring_wakes);
  unit_test("ring: a thread on each side, nothing lost", ring_threads);
  unit_test("edges: the pin's level has the last word", edges_heal);
  unit_test("uplink: tries for ever, pausing at most a minute", uplink_for_ever);
  unit_test("uplink: lamps do not ask in the same instant", uplink_spreads);
  unit_test("groups: listed once, to be joined again", group_list);
  unit_test("groups: the network hears of what changes, and may refuse", groups_told);
}
