/*
 * Stand-ins for the headers of ESP-IDF 6.0, OpenThread and the Moddable SDK: declarations only, of
 * no more than platforms/esp32 calls, written from the documented interfaces. lwIP's own headers
 * are Debian's (liblwip-dev). test/boards/esp32.test.ts puts one forwarder in place of each of:
 *
 *   aes/esp_aes.h bootloader_random.h driver/gpio.h driver/ledc.h driver/rmt_encoder.h
 *   driver/rmt_tx.h esp_attr.h esp_event.h esp_mac.h esp_netif.h esp_netif_net_stack.h
 *   esp_openthread.h esp_openthread_lock.h esp_openthread_netif_glue.h esp_openthread_types.h
 *   esp_ota_ops.h esp_partition.h esp_random.h esp_system.h esp_task_wdt.h esp_timer.h
 *   esp_vfs_eventfd.h esp_wifi.h freertos/FreeRTOS.h freertos/task.h mc.defines.h mc.xs.h
 *   openthread/dataset.h openthread/ip6.h openthread/thread.h openthread/thread_ftd.h sdkconfig.h
 *   soc/soc_caps.h xs.h xsHost.h xsmc.h
 *
 * What these get wrong mcconfig's build finds, which takes the real headers. The same files were
 * compiled so, by the SDK's own makefile for esp32c3, esp32c6 and esp32h2 with Debian's GCC, and
 * once more with -Wall -Wextra: ESP-IDF v6.0 (662a3be3), its OpenThread (03933d9b) and esp-lwip's
 * branch 2.1.3-esp. esp32_slots.c came later: it and esp32_flash.c were compiled against v6.0's
 * headers for esp32c3, warnings as errors, and not built by the SDK.
 */
#ifndef STUB_ESP_IDF_H
#define STUB_ESP_IDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sdkconfig.h, mc.defines.h: the test says which chip */
#define CONFIG_LWIP_IPV6_NUM_ADDRESSES 8
#define CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE 1

/* esp_err.h, esp_attr.h */
typedef int esp_err_t;
enum { ESP_OK = 0, ESP_FAIL = -1, ESP_ERR_INVALID_STATE = 0x103 };
#define ESP_ERROR_CHECK(call) ((void)(call))
#define RTC_NOINIT_ATTR __attribute__((section(".rtc_noinit")))

/* FreeRTOS */
typedef uint32_t TickType_t;
#define portMAX_DELAY UINT32_MAX
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))
void vTaskDelay(TickType_t ticks);

/* esp_system, esp_timer, esp_random, esp_mac, esp_task_wdt */
typedef enum {
  ESP_RST_UNKNOWN, ESP_RST_POWERON, ESP_RST_EXT, ESP_RST_SW, ESP_RST_PANIC, ESP_RST_INT_WDT,
  ESP_RST_TASK_WDT, ESP_RST_WDT, ESP_RST_DEEPSLEEP, ESP_RST_BROWNOUT, ESP_RST_SDIO,
} esp_reset_reason_t;
esp_reset_reason_t esp_reset_reason(void);
_Noreturn void esp_restart(void);
esp_err_t esp_task_wdt_reset(void);
typedef struct esp_timer *esp_timer_handle_t;
typedef struct {
  void (*callback)(void *);
  void *arg;
  int dispatch_method;
  const char *name;
  bool skip_unhandled_events;
} esp_timer_create_args_t;
int64_t esp_timer_get_time(void);
esp_err_t esp_timer_create(const esp_timer_create_args_t *args, esp_timer_handle_t *timer);
esp_err_t esp_timer_start_once(esp_timer_handle_t timer, uint64_t micros);
esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t micros);
esp_err_t esp_timer_stop(esp_timer_handle_t timer);
uint32_t esp_random(void);
void esp_fill_random(void *into, size_t size);
void bootloader_random_enable(void);
void bootloader_random_disable(void);
typedef enum { ESP_MAC_EFUSE_FACTORY = 5, ESP_MAC_IEEE802154 = 4 } esp_mac_type_t;
esp_err_t esp_read_mac(uint8_t *mac, esp_mac_type_t type);

/* esp_partition */
typedef struct {
  void *flash_chip;
  int type, subtype;
  uint32_t address, size, erase_size;
  char label[17];
  bool encrypted, readonly;
} esp_partition_t;
enum { ESP_PARTITION_TYPE_APP = 0, ESP_PARTITION_TYPE_DATA = 1 };
enum {
  ESP_PARTITION_SUBTYPE_APP_FACTORY = 0, ESP_PARTITION_SUBTYPE_APP_OTA_0 = 0x10,
  ESP_PARTITION_SUBTYPE_DATA_OTA = 0, ESP_PARTITION_SUBTYPE_ANY = 0xFF,
};
const esp_partition_t *esp_partition_find_first(int type, int subtype, const char *label);
esp_err_t esp_partition_read(const esp_partition_t *p, size_t offset, void *into, size_t size);
esp_err_t esp_partition_read_raw(const esp_partition_t *p, size_t offset, void *into, size_t size);
esp_err_t esp_partition_write(const esp_partition_t *p, size_t offset, const void *b, size_t size);
esp_err_t esp_partition_erase_range(const esp_partition_t *p, size_t offset, size_t size);

/* esp_ota_ops, esp_flash_partitions */
typedef enum {
  ESP_OTA_IMG_NEW, ESP_OTA_IMG_PENDING_VERIFY, ESP_OTA_IMG_VALID, ESP_OTA_IMG_INVALID,
  ESP_OTA_IMG_ABORTED, ESP_OTA_IMG_UNDEFINED = 0xFFFFFFFFu,
} esp_ota_img_states_t;
const esp_partition_t *esp_ota_get_running_partition(void);
const esp_partition_t *esp_ota_get_next_update_partition(const esp_partition_t *from);
esp_err_t esp_ota_set_boot_partition(const esp_partition_t *app);
esp_err_t esp_ota_get_state_partition(const esp_partition_t *app, esp_ota_img_states_t *state);
esp_err_t esp_ota_mark_app_valid_cancel_rollback(void);

/* driver/gpio */
typedef int gpio_num_t;
typedef enum { GPIO_MODE_INPUT = 1, GPIO_MODE_OUTPUT = 2 } gpio_mode_t;
typedef enum { GPIO_PULLUP_DISABLE, GPIO_PULLUP_ENABLE } gpio_pullup_t;
typedef enum { GPIO_INTR_DISABLE, GPIO_INTR_ANYEDGE = 3 } gpio_int_type_t;
typedef struct {
  uint64_t pin_bit_mask;
  gpio_mode_t mode;
  gpio_pullup_t pull_up_en;
  int pull_down_en;
  gpio_int_type_t intr_type;
} gpio_config_t;
esp_err_t gpio_config(const gpio_config_t *config);
int gpio_get_level(gpio_num_t pin);
esp_err_t gpio_set_level(gpio_num_t pin, uint32_t level);
esp_err_t gpio_install_isr_service(int flags);
esp_err_t gpio_isr_handler_add(gpio_num_t pin, void (*handler)(void *), void *arg);

/* driver/ledc */
typedef enum { LEDC_LOW_SPEED_MODE } ledc_mode_t;
typedef enum { LEDC_CHANNEL_0, LEDC_CHANNEL_1 } ledc_channel_t;
typedef enum { LEDC_TIMER_0 } ledc_timer_t;
typedef enum { LEDC_TIMER_13_BIT = 13 } ledc_timer_bit_t;
typedef enum { LEDC_AUTO_CLK } ledc_clk_cfg_t;
typedef struct {
  ledc_mode_t speed_mode;
  ledc_timer_bit_t duty_resolution;
  ledc_timer_t timer_num;
  uint32_t freq_hz;
  ledc_clk_cfg_t clk_cfg;
  bool deconfigure;
} ledc_timer_config_t;
typedef struct {
  int gpio_num;
  ledc_mode_t speed_mode;
  ledc_channel_t channel;
  int intr_type;
  ledc_timer_t timer_sel;
  uint32_t duty;
  int hpoint;
} ledc_channel_config_t;
esp_err_t ledc_timer_config(const ledc_timer_config_t *config);
esp_err_t ledc_channel_config(const ledc_channel_config_t *config);
esp_err_t ledc_set_duty(ledc_mode_t mode, ledc_channel_t channel, uint32_t duty);
esp_err_t ledc_update_duty(ledc_mode_t mode, ledc_channel_t channel);

/* driver/rmt, soc/soc_caps */
#define SOC_RMT_MEM_WORDS_PER_CHANNEL 48
typedef struct rmt_channel *rmt_channel_handle_t;
typedef struct rmt_encoder *rmt_encoder_handle_t;
typedef union {
  struct {
    uint16_t duration0 : 15, level0 : 1, duration1 : 15, level1 : 1;
  };
  uint32_t val;
} rmt_symbol_word_t;
enum { RMT_CLK_SRC_DEFAULT = 4 };
typedef struct {
  gpio_num_t gpio_num;
  int clk_src;
  uint32_t resolution_hz;
  size_t mem_block_symbols, trans_queue_depth;
} rmt_tx_channel_config_t;
typedef struct {
  int loop_count;
} rmt_transmit_config_t;
typedef struct {
  rmt_symbol_word_t bit0, bit1;
  struct {
    uint32_t msb_first : 1;
  } flags;
} rmt_bytes_encoder_config_t;
esp_err_t rmt_new_tx_channel(const rmt_tx_channel_config_t *config, rmt_channel_handle_t *channel);
esp_err_t rmt_enable(rmt_channel_handle_t channel);
esp_err_t rmt_new_bytes_encoder(const rmt_bytes_encoder_config_t *config, rmt_encoder_handle_t *e);
esp_err_t rmt_transmit(rmt_channel_handle_t channel, rmt_encoder_handle_t encoder,
    const void *bytes, size_t size, const rmt_transmit_config_t *config);
esp_err_t rmt_tx_wait_all_done(rmt_channel_handle_t channel, int ms);

/* esp_event, esp_netif */
typedef const char *esp_event_base_t;
typedef void (*esp_event_handler_t)(void *arg, esp_event_base_t base, int32_t id, void *data);
enum { ESP_EVENT_ANY_ID = -1 };
esp_err_t esp_event_loop_create_default(void);
esp_err_t esp_event_handler_register(esp_event_base_t base, int32_t id, esp_event_handler_t handler,
    void *arg);
typedef struct esp_netif_obj esp_netif_t;
typedef struct {
  uint32_t addr[4];
  uint8_t zone;
} esp_ip6_addr_t;
typedef struct {
  const void *base, *driver, *stack;
} esp_netif_config_t;
esp_err_t esp_netif_init(void);
void *esp_netif_get_netif_impl(esp_netif_t *netif);
int esp_netif_get_all_ip6(esp_netif_t *netif, esp_ip6_addr_t addresses[]);
esp_err_t esp_netif_create_ip6_linklocal(esp_netif_t *netif);
esp_err_t esp_netif_tcpip_exec(esp_err_t (*run)(void *), void *context);

/* esp_wifi */
extern esp_event_base_t const WIFI_EVENT, IP_EVENT;
enum { WIFI_EVENT_STA_START = 2, WIFI_EVENT_STA_CONNECTED = 4, WIFI_EVENT_STA_DISCONNECTED = 5 };
enum { IP_EVENT_GOT_IP6 = 3 };
typedef struct {
  int unspecified;
} wifi_init_config_t;
#define WIFI_INIT_CONFIG_DEFAULT() {0}
typedef union {
  struct {
    uint8_t ssid[32], password[64];
    struct {
      int authmode;
    } threshold;
  } sta;
} wifi_config_t;
enum { WIFI_AUTH_WPA2_PSK = 3, WIFI_STORAGE_RAM = 1, WIFI_MODE_STA = 1, WIFI_IF_STA = 0 };
enum { WIFI_PS_NONE };
esp_netif_t *esp_netif_create_default_wifi_sta(void);
esp_err_t esp_wifi_init(const wifi_init_config_t *config);
esp_err_t esp_wifi_set_storage(int storage);
esp_err_t esp_wifi_set_mode(int mode);
esp_err_t esp_wifi_set_config(int interface, wifi_config_t *config);
esp_err_t esp_wifi_set_ps(int type);
esp_err_t esp_wifi_start(void);
esp_err_t esp_wifi_connect(void);
esp_err_t esp_wifi_disconnect(void);

/* esp_openthread, esp_vfs_eventfd */
extern esp_event_base_t const OPENTHREAD_EVENT;
enum { OPENTHREAD_EVENT_DETACHED = 2, OPENTHREAD_EVENT_ATTACHED = 3 };
enum { RADIO_MODE_NATIVE, HOST_CONNECTION_MODE_NONE = 0 };
typedef struct {
  esp_netif_config_t netif_config;
  struct {
    struct {
      int radio_mode;
    } radio_config;
    struct {
      int host_connection_mode;
    } host_config;
    struct {
      const char *storage_partition_name;
      uint8_t netif_queue_size, task_queue_size;
    } port_config;
  } platform_config;
} esp_openthread_config_t;
#define ESP_NETIF_DEFAULT_OPENTHREAD() {NULL, NULL, NULL}
typedef struct otInstance otInstance;
esp_err_t esp_openthread_start(const esp_openthread_config_t *config);
otInstance *esp_openthread_get_instance(void);
esp_netif_t *esp_openthread_get_netif(void);
bool esp_openthread_lock_acquire(TickType_t ticks);
void esp_openthread_lock_release(void);
typedef struct {
  size_t max_fds;
} esp_vfs_eventfd_config_t;
esp_err_t esp_vfs_eventfd_register(const esp_vfs_eventfd_config_t *config);

/* OpenThread */
typedef enum { OT_ERROR_NONE = 0, OT_ERROR_ALREADY = 24 } otError;
typedef enum { OT_DEVICE_ROLE_DISABLED } otDeviceRole;
typedef struct {
  union {
    uint8_t m8[16];
  } mFields;
} otIp6Address;
typedef struct {
  uint8_t mTlvs[254];
  uint8_t mLength;
} otOperationalDatasetTlvs;
typedef struct {
  bool mRxOnWhenIdle : 1, mDeviceType : 1, mNetworkData : 1;
} otLinkModeConfig;
otError otDatasetGetActiveTlvs(otInstance *instance, otOperationalDatasetTlvs *dataset);
otError otDatasetSetActiveTlvs(otInstance *instance, const otOperationalDatasetTlvs *dataset);
bool otDatasetIsCommissioned(otInstance *instance);
otError otThreadSetLinkMode(otInstance *instance, otLinkModeConfig config);
otError otThreadSetRouterEligible(otInstance *instance, bool eligible);
otDeviceRole otThreadGetDeviceRole(otInstance *instance);
otError otIp6SetEnabled(otInstance *instance, bool enabled);
otError otThreadSetEnabled(otInstance *instance, bool enabled);
otError otIp6SubscribeMulticastAddress(otInstance *instance, const otIp6Address *address);
otError otIp6UnsubscribeMulticastAddress(otInstance *instance, const otIp6Address *address);

/* mbedtls port */
typedef struct {
  uint8_t key_bytes;
  volatile uint8_t key_in_hardware;
  uint8_t key[32];
} esp_aes_context;
enum { ESP_AES_ENCRYPT = 1 };
void esp_aes_init(esp_aes_context *context);
void esp_aes_free(esp_aes_context *context);
int esp_aes_setkey(esp_aes_context *context, const unsigned char *key, unsigned int bits);
int esp_aes_crypt_ecb(esp_aes_context *context, int mode, const unsigned char input[16],
    unsigned char output[16]);

/* Moddable SDK */
typedef struct sxMachine xsMachine;
typedef void (*modMessageDeliver)(void *the, void *refcon, uint8_t *message, uint16_t size);
int modMessagePostToMachine(xsMachine *the, uint8_t *message, uint16_t size,
    modMessageDeliver callback, void *refcon);
int modMessagePostToMachineFromISR(xsMachine *the, modMessageDeliver callback, void *refcon);

#endif
