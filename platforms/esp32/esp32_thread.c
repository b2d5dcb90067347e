/*
 * Thread by esp-openthread: esp32c6, esp32h2. OpenThread runs on a task of its own and looks for
 * its network by itself, for ever; lwIP stands above it.
 *
 * The dataset is the build's until the network hands out a newer one, which OpenThread keeps in
 * flash: after that a restart must not go back to a network that is no more (dataset_replaces). A
 * build without one goes by what was kept; where nothing was, the board runs without a network.
 *
 * Locks: OpenThread's is never held while lwIP's thread is waited for. lwIP takes OpenThread's when
 * it passes a membership on, and the two would wait for each other.
 */
#include <string.h>

#include "esp_event.h"
#include "esp_netif.h"
#include "esp_openthread.h"
#include "esp_openthread_lock.h"
#include "esp_openthread_netif_glue.h"
#include "esp_openthread_types.h"
#include "esp_vfs_eventfd.h"
#include "openthread/dataset.h"
#include "openthread/ip6.h"
#include "openthread/thread.h"
#include "openthread/thread_ftd.h"

#include "esp32.h"

enum { EVENT_FDS = 3, QUEUE = 10 }; /* interface, task queue, radio */

static void on_thread(void *unused, esp_event_base_t base, int32_t event, void *data)
{
  (void)unused;
  (void)base;
  (void)data;
  if (event == OPENTHREAD_EVENT_ATTACHED) esp32_uplink(UPLINK_ADDRESS);
  if (event == OPENTHREAD_EVENT_DETACHED) esp32_uplink(UPLINK_LOST);
}

/* Under OpenThread's lock. */
static bool put_dataset(otInstance *thread)
{
  otOperationalDatasetTlvs ours, kept;
  bool have = otDatasetGetActiveTlvs(thread, &kept) == OT_ERROR_NONE;
  if (!esp32_setup.dataset_bytes) return true;
  memcpy(ours.mTlvs, esp32_setup.dataset, esp32_setup.dataset_bytes);
  ours.mLength = (uint8_t)esp32_setup.dataset_bytes;
  if (have && !dataset_replaces(ours.mTlvs, ours.mLength, kept.mTlvs, kept.mLength)) return true;
  return otDatasetSetActiveTlvs(thread, &ours) == OT_ERROR_NONE;
}

/* Listens always: a lamp is on the mains, and a sleeping child would hear multicast late. */
static bool configure(otInstance *thread)
{
  const otLinkModeConfig mode = {.mRxOnWhenIdle = true, .mDeviceType = true, .mNetworkData = true};
  return put_dataset(thread) && otThreadSetLinkMode(thread, mode) == OT_ERROR_NONE &&
         otThreadSetRouterEligible(thread, esp32_setup.router) == OT_ERROR_NONE;
}

const char *esp32_link_open(void)
{
  const esp_vfs_eventfd_config_t events = {.max_fds = EVENT_FDS};
  static esp_openthread_config_t config = {
    .netif_config = ESP_NETIF_DEFAULT_OPENTHREAD(),
    .platform_config = {
      .radio_config = {.radio_mode = RADIO_MODE_NATIVE},
      .host_config = {.host_connection_mode = HOST_CONNECTION_MODE_NONE},
      .port_config = {"nvs", QUEUE, QUEUE},
    },
  };
  esp_err_t loop;
  bool good;
  loop = esp_netif_init() == ESP_OK ? esp_event_loop_create_default() : ESP_FAIL;
  if (loop != ESP_OK && loop != ESP_ERR_INVALID_STATE) return "ESP-IDF's network does not start";
  if (esp_vfs_eventfd_register(&events) != ESP_OK) return "no memory for OpenThread's events";
  if (esp_event_handler_register(OPENTHREAD_EVENT, ESP_EVENT_ANY_ID, on_thread, NULL) != ESP_OK)
    return "no memory for OpenThread's events";
  if (esp_openthread_start(&config) != ESP_OK) return "OpenThread does not start";
  esp32_radio_on();
  esp_openthread_lock_acquire(portMAX_DELAY);
  good = configure(esp_openthread_get_instance());
  esp_openthread_lock_release();
  if (!good) return "OpenThread refuses the dataset";
  esp32_uplink(UPLINK_OPEN);
  return NULL;
}

/* Once started, OpenThread searches by itself; to start it again would begin the search anew. */
void esp32_link_do(enum uplink_action action)
{
  otInstance *thread = esp_openthread_get_instance();
  bool good;
  if (action != UPLINK_CONNECT) return;
  esp32_note("OpenThread start");
  esp_openthread_lock_acquire(portMAX_DELAY);
  good = otThreadGetDeviceRole(thread) != OT_DEVICE_ROLE_DISABLED ||
         !otDatasetIsCommissioned(thread) ||
         (otIp6SetEnabled(thread, true) == OT_ERROR_NONE &&
          otThreadSetEnabled(thread, true) == OT_ERROR_NONE);
  esp_openthread_lock_release();
  esp32_note(NULL);
  if (!good) esp32_uplink(UPLINK_LOST);
}

void *esp32_link_netif(void)
{
  return esp_openthread_get_netif();
}

bool esp32_link_join(const uint8_t group[BOARD_ADDRESS_BYTES], bool join)
{
  otInstance *thread = esp_openthread_get_instance();
  otIp6Address address;
  otError done;
  memcpy(address.mFields.m8, group, sizeof address.mFields.m8);
  esp_openthread_lock_acquire(portMAX_DELAY);
  done = join ? otIp6SubscribeMulticastAddress(thread, &address)
              : otIp6UnsubscribeMulticastAddress(thread, &address);
  esp_openthread_lock_release();
  /* lwIP's filter may have been there first. */
  return done == OT_ERROR_NONE || done == OT_ERROR_ALREADY;
}
