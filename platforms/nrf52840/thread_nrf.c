/*
 * OpenThread: the dataset, the role, the multicast groups, our addresses.
 *
 * A group takes two subscriptions. OpenThread's makes the mesh deliver it: registered with the
 * parent, accepted by the link. Zephyr's makes its IP stack take it. net_ipv6_mld_join would want
 * MLD, which Thread has not (its interface says NO_MLD); so the address is added and marked joined.
 * Both are made once the device is attached, and again at every change of role: a child that
 * becomes a router, or changes its parent, has to register anew, and doing so twice does no harm.
 *
 * OpenThread itself looks for its network for ever and forms it where there is nobody; nothing has
 * to be tried again by us.
 */
#include "../native/board.h"

#include <string.h>

#include <openthread.h>
#include <openthread/dataset.h>
#include <openthread/ip6.h>
#include <openthread/link.h>
#include <openthread/thread.h>
#include <openthread/thread_ftd.h>
#include <zephyr/net/net_if.h>

#include "../native/dataset.h"
#include "../native/groups.h"
#include "nrf.h"

static struct groups groups;
static bool attached;
static otOperationalDatasetTlvs given;
static bool is_router_eligible = true;

/* With the lock held. */
static bool join(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  struct net_if *interface = net_if_get_default();
  struct net_if_mcast_addr *entry;
  struct in6_addr zephyrs;
  otIp6Address threads;
  otError error;
  memcpy(&threads, group, sizeof threads);
  memcpy(&zephyrs, group, sizeof zephyrs);
  error = otIp6SubscribeMulticastAddress(openthread_get_default_instance(), &threads);
  if (error != OT_ERROR_NONE && error != OT_ERROR_ALREADY) return false;
  entry = net_if_ipv6_maddr_lookup(&zephyrs, &interface);
  if (!entry) entry = net_if_ipv6_maddr_add(interface, &zephyrs);
  if (!entry) return false;
  if (!net_if_ipv6_maddr_is_joined(entry)) net_if_ipv6_maddr_join(interface, entry);
  return true;
}

/* In OpenThread's work queue, its lock held. */
static void on_change(otChangedFlags flags, void *context)
{
  otDeviceRole role = otThreadGetDeviceRole(openthread_get_default_instance());
  (void)context;
  if (!(flags & OT_CHANGED_THREAD_ROLE)) return;
  attached = role != OT_DEVICE_ROLE_DISABLED && role != OT_DEVICE_ROLE_DETACHED;
  nrf_status(PATTERN_NETWORK, !attached);
  for (unsigned i = 0; attached && i < groups.count; i++) join(groups.address[i]);
}

static const char *put_dataset(const char *hex)
{
  int size = dataset_from_hex(hex, given.mTlvs);
  const char *fault;
  given.mLength = 0;
  if (size < 0) return "the hex digits that `dataset active -x` prints on a Thread router";
  fault = dataset_fault(given.mTlvs, (size_t)size);
  if (!fault) given.mLength = (uint8_t)size;
  return fault;
}

const char *nrf_setting(const char *name, const char *text)
{
  if (!strcmp(name, "dataset")) return put_dataset(text);
  if (strcmp(name, "router")) return "no such setting: dataset, router";
  if (strcmp(text, "0") && strcmp(text, "1")) return "0 or 1";
  is_router_eligible = *text == '1';
  return NULL;
}

/* What the network handed out since this image was built is kept (dataset_replaces). */
static bool put_given(otInstance *instance)
{
  otOperationalDatasetTlvs kept;
  if (!given.mLength) return true;
  if (otDatasetGetActiveTlvs(instance, &kept) == OT_ERROR_NONE &&
      !dataset_replaces(given.mTlvs, given.mLength, kept.mTlvs, kept.mLength))
    return true;
  return otDatasetSetActiveTlvs(instance, &given) == OT_ERROR_NONE;
}

const char *nrf_thread_open(void)
{
  otInstance *instance = openthread_get_default_instance();
  const char *wrong = NULL;
  bool has_dataset;
  if (!instance) return "OpenThread did not start; see zephyrConfig in platforms/nrf52840";
  nrf_status(PATTERN_NETWORK, true);
  openthread_mutex_lock();
  if (!put_given(instance)) wrong = "OpenThread refuses the dataset";
  has_dataset = otDatasetIsCommissioned(instance);
  otThreadSetRouterEligible(instance, is_router_eligible);
  if (otSetStateChangedCallback(instance, on_change, NULL) != OT_ERROR_NONE)
    wrong = "OpenThread has too few state handlers; see zephyrConfig in platforms/nrf52840";
  openthread_mutex_unlock();
  /* Without a dataset OpenThread would form a network of its own, with a key of its own. */
  if (!wrong && has_dataset && openthread_run()) wrong = "OpenThread refuses to run";
  if (!has_dataset) nrf_status(PATTERN_SETUP, true);
  return wrong;
}

bool board_net_join(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  bool good;
  openthread_mutex_lock();
  good = groups_add(&groups, group) && (!attached || join(group));
  openthread_mutex_unlock();
  return good;
}

void board_net_leave(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  struct in6_addr zephyrs;
  otIp6Address threads;
  openthread_mutex_lock();
  if (groups_remove(&groups, group)) {
    memcpy(&threads, group, sizeof threads);
    memcpy(&zephyrs, group, sizeof zephyrs);
    otIp6UnsubscribeMulticastAddress(openthread_get_default_instance(), &threads);
    net_if_ipv6_maddr_rm(net_if_get_default(), &zephyrs);
  }
  openthread_mutex_unlock();
}

void board_net_address(uint8_t address[BOARD_ADDRESS_BYTES])
{
  otInstance *instance = openthread_get_default_instance();
  openthread_mutex_lock();
  memcpy(address, otDatasetIsCommissioned(instance) ? otThreadGetMeshLocalEid(instance) :
      otThreadGetLinkLocalIp6Address(instance), BOARD_ADDRESS_BYTES);
  openthread_mutex_unlock();
}

void board_eui64(uint8_t eui64[8])
{
  otExtAddress address;
  openthread_mutex_lock();
  otLinkGetFactoryAssignedIeeeEui64(openthread_get_default_instance(), &address);
  openthread_mutex_unlock();
  memcpy(eui64, address.m8, 8);
}
