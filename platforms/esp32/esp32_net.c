/*
 * Finding the network and being in its multicast groups: does what platforms/native/uplink.c says.
 * A group is joined in lwIP, which passes the link's filter its address, and told to the link for
 * the mesh below (esp32_thread.c).
 */
#include "esp_netif.h"
#include "esp_random.h"
#include "esp_timer.h"
#include "lwip/mld6.h"

#include "../native/groups.h"
#include "esp32.h"
#include "esp32_udp.h"

static struct groups groups;
static struct uplink uplink;
static esp_timer_handle_t timer;

struct membership {
  const uint8_t *group;
  bool join;
};

/* Left before it is joined: lwIP counts memberships, and a new join reports to the new network. */
static esp_err_t change_membership(void *context)
{
  const struct membership *change = context;
  struct netif *on = esp32_netif();
  ip_addr_t group;
  if (!on) return ESP_FAIL;
  esp32_to_lwip(&group, change->group, on);
  (void)mld6_leavegroup_netif(on, ip_2_ip6(&group));
  if (!change->join) return ESP_OK;
  return mld6_joingroup_netif(on, ip_2_ip6(&group)) == ERR_OK ? ESP_OK : ESP_FAIL;
}

static bool tell_membership(const uint8_t *group, bool join)
{
  struct membership change = {group, join};
  bool told;
  esp32_note("group membership");
  told = esp_netif_tcpip_exec(change_membership, &change) == ESP_OK;
  told = esp32_link_join(group, join) && told;
  esp32_note(NULL);
  return told;
}

bool board_net_join(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  if (!groups_add(&groups, group)) return false;
  /* Without a network it is joined when one comes. */
  return uplink.state != UPLINK_UP || tell_membership(group, true);
}

void board_net_leave(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  if (groups_remove(&groups, group)) (void)tell_membership(group, false);
}

static void step(enum uplink_event event)
{
  struct uplink_step todo = uplink_on(&uplink, event, esp_random());
  esp32_network(uplink.state == UPLINK_UP);
  if (todo.timer != UPLINK_KEEP) (void)esp_timer_stop(timer);
  if (todo.timer == UPLINK_SET) (void)esp_timer_start_once(timer, todo.wait_ms * 1000ull);
  if (todo.action == UPLINK_JOIN)
    for (unsigned i = 0; i < groups.count; i++) (void)tell_membership(groups.address[i], true);
  else if (todo.action != UPLINK_NOTHING) esp32_link_do(todo.action);
}

static void on_opened(void)
{
  step(UPLINK_OPEN);
}

static void on_address(void)
{
  step(UPLINK_ADDRESS);
}

static void on_lost(void)
{
  step(UPLINK_LOST);
}

static void on_time(void)
{
  step(UPLINK_TIMER);
}

void esp32_uplink(enum uplink_event event)
{
  static const struct esp32_event events[] = {
    [UPLINK_OPEN] = {on_opened},
    [UPLINK_ADDRESS] = {on_address},
    [UPLINK_LOST] = {on_lost},
    [UPLINK_TIMER] = {on_time},
  };
  /* No room in the queue: the timer asks again, so nothing stops for good. */
  if (!esp32_post(&events[event])) (void)esp_timer_start_once(timer, UPLINK_PAUSE_MS * 1000ull);
}

static void on_timer(void *unused)
{
  (void)unused;
  esp32_uplink(UPLINK_TIMER);
}

const char *board_net_open(const uint16_t *ports, unsigned count)
{
  const esp_timer_create_args_t retry = {.callback = on_timer, .name = "uplink"};
  const char *fault;
  if (esp_timer_create(&retry, &timer) != ESP_OK) return "no memory for a timer";
  fault = esp32_link_open();
  return fault ? fault : esp32_udp_open(ports, count);
}
