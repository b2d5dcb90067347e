/*
 * Wi-Fi as a station: esp32, esp32s3, esp32c3. No power saving: with it an access point holds
 * multicast back until its next DTIM, up to 300 ms, and a lamp is on the mains.
 */
#include <string.h>

#include "esp_event.h"
#include "esp_netif.h"
#include "esp_wifi.h"

#include "esp32.h"

static esp_netif_t *station;

static void on_wifi(void *unused, esp_event_base_t base, int32_t event, void *data)
{
  (void)unused;
  (void)base;
  (void)data;
  if (event == WIFI_EVENT_STA_START) esp32_uplink(UPLINK_OPEN);
  if (event == WIFI_EVENT_STA_DISCONNECTED) esp32_uplink(UPLINK_LOST);
  /* No link-local address comes by itself. */
  if (event == WIFI_EVENT_STA_CONNECTED && esp_netif_create_ip6_linklocal(station) != ESP_OK)
    esp32_uplink(UPLINK_LOST);
}

static void on_address(void *unused, esp_event_base_t base, int32_t event, void *data)
{
  (void)unused;
  (void)base;
  (void)event;
  (void)data;
  esp32_uplink(UPLINK_ADDRESS);
}

static bool start(void)
{
  wifi_init_config_t driver = WIFI_INIT_CONFIG_DEFAULT();
  wifi_config_t network;
  memset(&network, 0, sizeof network);
  memcpy(network.sta.ssid, esp32_setup.ssid, strlen(esp32_setup.ssid));
  memcpy(network.sta.password, esp32_setup.password, strlen(esp32_setup.password));
  if (esp32_setup.password[0]) network.sta.threshold.authmode = WIFI_AUTH_WPA2_PSK;
  return esp_wifi_init(&driver) == ESP_OK &&
         esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_wifi, NULL) == ESP_OK &&
         esp_event_handler_register(IP_EVENT, IP_EVENT_GOT_IP6, on_address, NULL) == ESP_OK &&
         esp_wifi_set_storage(WIFI_STORAGE_RAM) == ESP_OK &&
         esp_wifi_set_mode(WIFI_MODE_STA) == ESP_OK &&
         esp_wifi_set_config(WIFI_IF_STA, &network) == ESP_OK &&
         esp_wifi_start() == ESP_OK && esp_wifi_set_ps(WIFI_PS_NONE) == ESP_OK;
}

const char *esp32_link_open(void)
{
  esp_err_t loop = esp_netif_init() == ESP_OK ? esp_event_loop_create_default() : ESP_FAIL;
  if (loop != ESP_OK && loop != ESP_ERR_INVALID_STATE) return "ESP-IDF's network does not start";
  /* Nobody said which: the board runs without. */
  if (!esp32_setup.ssid[0]) return NULL;
  station = esp_netif_create_default_wifi_sta();
  if (!station || !start()) return "the Wi-Fi driver does not start";
  esp32_radio_on();
  return NULL;
}

void esp32_link_do(enum uplink_action action)
{
  if (action == UPLINK_DISCONNECT) (void)esp_wifi_disconnect();
  if (action == UPLINK_CONNECT && esp_wifi_connect() != ESP_OK) esp32_uplink(UPLINK_LOST);
}

void *esp32_link_netif(void)
{
  return station;
}

bool esp32_link_join(const uint8_t group[BOARD_ADDRESS_BYTES], bool join)
{
  (void)group;
  (void)join;
  return true;
}
