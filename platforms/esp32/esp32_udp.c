/*
 * UDP over lwIP's IPv6. lwIP may be called on its own thread only: what the machine wants there is
 * done by esp_netif_tcpip_exec, which waits for it.
 *
 * The destination of what comes in is lwIP's own (ip6_current_dest_addr, valid in the callback
 * only): the security layer binds it, so a socket's guess would not do. Zones: lwIP keeps apart
 * which interface a link-local or multicast address belongs to; without one it routes neither.
 */
#include "esp32_udp.h"

#include <string.h>

#include "esp_netif.h"
#include "esp_netif_net_stack.h"
#include "esp_timer.h"
#include "lwip/ip6.h"
#include "lwip/udp.h"

#include "../native/ring.h"
#include "esp32.h"

enum { COAP_PORT = 5683, PORTS_MAX = 8, RING_BYTES = 4096 };

static struct {
  uint16_t number;
  struct udp_pcb *pcb;
} ports[PORTS_MAX];
static unsigned port_count;
static struct ring ring;

struct netif *esp32_netif(void)
{
  void *link = esp32_link_netif();
  return link ? esp_netif_get_netif_impl(link) : NULL;
}

void esp32_to_lwip(ip_addr_t *address, const uint8_t bytes[BOARD_ADDRESS_BYTES], struct netif *on)
{
  memset(address, 0, sizeof *address);
  memcpy(ip_2_ip6(address)->addr, bytes, BOARD_ADDRESS_BYTES);
  IP_SET_TYPE(address, IPADDR_TYPE_V6);
  ip6_addr_assign_zone(ip_2_ip6(address), IP6_UNKNOWN, on);
}

static void deliver(void)
{
  static struct board_datagram datagram;
  do
    while (ring_take(&ring, &datagram)) board_event_datagram(&datagram);
  while (!ring_sleep(&ring));
}

static const struct esp32_event datagrams_there = {deliver};

/* On lwIP's thread. */
static void on_datagram(void *port, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
    u16_t from_port)
{
  struct ring_head head;
  (void)pcb;
  head.micros = (uint64_t)esp_timer_get_time();
  memcpy(head.from, ip_2_ip6(from)->addr, sizeof head.from);
  memcpy(head.to, ip6_current_dest_addr()->addr, sizeof head.to);
  head.from_port = from_port;
  head.to_port = *(const uint16_t *)port;
  head.size = p->tot_len;
  if (ring_begin(&ring, &head))
    for (const struct pbuf *part = p; part; part = part->next)
      ring_add(&ring, part->payload, part->len);
  if (ring_commit(&ring) && ring_wake(&ring) && !esp32_post(&datagrams_there))
    ring_wake_failed(&ring);
  pbuf_free(p);
}

static esp_err_t bind_ports(void *unused)
{
  (void)unused;
  for (unsigned i = 0; i < port_count; i++) {
    ports[i].pcb = udp_new_ip_type(IPADDR_TYPE_V6);
    if (!ports[i].pcb || udp_bind(ports[i].pcb, IP6_ADDR_ANY, ports[i].number) != ERR_OK)
      return ESP_FAIL;
    udp_recv(ports[i].pcb, on_datagram, &ports[i].number);
  }
  return ESP_OK;
}

const char *esp32_udp_open(const uint16_t *more, unsigned count)
{
  static uint8_t bytes[RING_BYTES];
  if (count + 1 > PORTS_MAX) return "more than 7 ports besides 5683";
  ports[0].number = COAP_PORT;
  for (unsigned i = 0; i < count; i++) ports[i + 1].number = more[i];
  port_count = count + 1;
  if (!ring_open(&ring, bytes, sizeof bytes)) return "the receive ring has a size it cannot have";
  return esp_netif_tcpip_exec(bind_ports, NULL) == ESP_OK ? NULL : "UDP ports cannot be bound";
}

struct outgoing {
  const uint8_t *to;
  uint16_t port, from_port;
  const void *bytes;
  size_t size;
};

static esp_err_t send_now(void *context)
{
  const struct outgoing *out = context;
  struct netif *on = esp32_netif();
  struct pbuf *p;
  ip_addr_t to;
  err_t sent;
  unsigned i = 0;
  while (i < port_count && ports[i].number != out->from_port) i++;
  if (i == port_count || !on || !netif_is_up(on)) return ESP_FAIL;
  p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)out->size, PBUF_RAM);
  if (!p) return ESP_FAIL;
  esp32_to_lwip(&to, out->to, on);
  sent = pbuf_take(p, out->bytes, (u16_t)out->size);
  if (sent == ERR_OK) sent = udp_sendto_if(ports[i].pcb, p, &to, out->port, on);
  pbuf_free(p);
  return sent == ERR_OK ? ESP_OK : ESP_FAIL;
}

bool board_net_send(const uint8_t to[BOARD_ADDRESS_BYTES], uint16_t port, uint16_t from_port,
    const void *bytes, size_t size)
{
  struct outgoing out = {to, port, from_port, bytes, size};
  bool sent;
  if (size > BOARD_DATAGRAM_BYTES_MAX) return false;
  esp32_note("UDP send");
  sent = esp_netif_tcpip_exec(send_now, &out) == ESP_OK;
  esp32_note(NULL);
  return sent;
}

/* The first that reaches beyond the link (mesh-local, global), else the link-local one. */
void board_net_address(uint8_t address[BOARD_ADDRESS_BYTES])
{
  esp_ip6_addr_t all[CONFIG_LWIP_IPV6_NUM_ADDRESSES];
  esp_netif_t *link = esp32_link_netif();
  int count = link ? esp_netif_get_all_ip6(link, all) : 0;
  memset(address, 0, BOARD_ADDRESS_BYTES);
  for (int i = count - 1; i >= 0; i--) {
    uint8_t bytes[BOARD_ADDRESS_BYTES];
    bool local;
    memcpy(bytes, all[i].addr, sizeof bytes);
    local = bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
    if (!local || address[0] == 0) memcpy(address, bytes, sizeof bytes);
  }
}
