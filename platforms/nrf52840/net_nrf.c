/*
 * UDP over Thread: Zephyr's sockets, one a port, a thread that waits for all of them.
 *
 * The destination of a datagram comes with zsock_recvmsg once IPV6_RECVPKTINFO is set and
 * CONFIG_NET_CONTEXT_RECV_PKTINFO is on (since Zephyr 3.6). Two peculiarities, read in its
 * sockets_inet.c: the message's type is IPV6_RECVPKTINFO, where RFC 3542 has IPV6_PKTINFO, so both
 * are taken; and it looks for room by walking over what the control buffer held before, so that is
 * cleared for each call. Without a destination a datagram is dropped: it is part of what is
 * authenticated.
 */
#include "../native/board.h"

#include <errno.h>
#include <string.h>

#include <zephyr/kernel.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/net_ip.h>
#include <zephyr/net/socket.h>

#include "../native/ring.h"
#include "nrf.h"

enum { COAP_PORT = 5683, SOCKETS_MAX = 8, HOPS = 16, RING_BYTES = 4096, A_TURN = 8,
  STACK_BYTES = 2048, PRIORITY = 2 };

BUILD_ASSERT(CONFIG_ZVFS_POLL_MAX >= SOCKETS_MAX && CONFIG_NET_MAX_CONTEXTS >= SOCKETS_MAX,
    "too few sockets: see zephyrConfig in platforms/nrf52840/manifest.json");

static struct zsock_pollfd sockets[SOCKETS_MAX];
static uint16_t ports[SOCKETS_MAX];
static unsigned count;
static struct ring ring;
static uint8_t ring_bytes[RING_BYTES];
static struct board_datagram delivered; /* neither thread's stack has room for one */
static uint8_t received[BOARD_DATAGRAM_BYTES_MAX];
static struct k_thread thread;
static K_THREAD_STACK_DEFINE(stack, STACK_BYTES);

static bool set(int s, int option, int value)
{
  return zsock_setsockopt(s, IPPROTO_IPV6, option, &value, sizeof value) == 0;
}

/* 0, or the number of what went wrong. */
static int open_port(uint16_t port)
{
  struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int s = zsock_socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
  if (s < 0) return errno;
  /* Zephyr's multicasts go one hop unless told otherwise: never past the first router. */
  if (!set(s, IPV6_RECVPKTINFO, 1) || !set(s, IPV6_MULTICAST_HOPS, HOPS) ||
      zsock_bind(s, (struct sockaddr *)&local, sizeof local)) {
    int wrong = errno;
    zsock_close(s);
    return wrong;
  }
  set(s, IPV6_MULTICAST_LOOP, 0); /* no copies of our own; where it is not known there are none */
  sockets[count] = (struct zsock_pollfd){.fd = s, .events = ZSOCK_POLLIN};
  ports[count++] = port;
  return 0;
}

static bool destination(struct msghdr *message, uint8_t to[BOARD_ADDRESS_BYTES])
{
  struct in6_pktinfo info;
  struct cmsghdr *c = CMSG_FIRSTHDR(message);
  if (!c || c->cmsg_len < CMSG_LEN(sizeof info) || c->cmsg_level != IPPROTO_IPV6) return false;
  if (c->cmsg_type != IPV6_RECVPKTINFO && c->cmsg_type != IPV6_PKTINFO) return false;
  memcpy(&info, CMSG_DATA(c), sizeof info);
  memcpy(to, &info.ipi6_addr, BOARD_ADDRESS_BYTES);
  return true;
}

static bool receive(unsigned at)
{
  struct sockaddr_in6 from;
  _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
  struct iovec part = {received, sizeof received};
  struct msghdr message = {
    .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
    .msg_control = control, .msg_controllen = sizeof control,
  };
  ssize_t size = zsock_recvmsg(sockets[at].fd, &message, ZSOCK_MSG_DONTWAIT);
  struct ring_head head = {.micros = board_micros(), .to_port = ports[at]};
  if (size < 0) return false;
  if (message.msg_flags & ZSOCK_MSG_TRUNC || !destination(&message, head.to)) return true;
  memcpy(head.from, &from.sin6_addr, sizeof head.from);
  head.from_port = ntohs(from.sin6_port);
  head.size = (uint16_t)size;
  if (!ring_begin(&ring, &head)) return true;
  ring_add(&ring, received, head.size);
  if (ring_commit(&ring) && ring_wake(&ring) && !nrf_wake()) ring_wake_failed(&ring);
  return true;
}

static void run(void *a, void *b, void *c)
{
  (void)a;
  (void)b;
  (void)c;
  for (;;) {
    int ready = zsock_poll(sockets, (int)count, -1);
    bool came = false;
    for (unsigned i = 0; ready > 0 && i < count; i++)
      if (sockets[i].revents & ZSOCK_POLLIN)
        while (receive(i)) came = true;
    if (!came) k_msleep(100); /* no buffers, or a socket in error: do not spin */
  }
}

/* A few at a time: a flood must not keep timers, the button and the watchdog's food waiting. */
void nrf_net_deliver(void)
{
  for (unsigned taken = 0; taken < A_TURN;) {
    if (ring_take(&ring, &delivered)) {
      board_event_datagram(&delivered);
      taken++;
    } else if (ring_sleep(&ring)) {
      return;
    }
  }
  nrf_wake_from_interrupt(); /* which does not wait for room: this is the thread that makes it */
}

const char *board_net_open(const uint16_t *more, unsigned more_count)
{
  const char *wrong = nrf_thread_open();
  if (wrong) return wrong;
  if (more_count > SOCKETS_MAX - 1)
    return "the groups use more than 7 ports besides 5683, which is all that this board opens";
  if (!ring_open(&ring, ring_bytes, sizeof ring_bytes) || open_port(COAP_PORT))
    return "UDP port 5683 cannot be opened; see zephyrConfig in platforms/nrf52840/manifest.json";
  for (unsigned i = 0; i < more_count; i++)
    if (more[i] != COAP_PORT && open_port(more[i]))
      return "a group's UDP port cannot be opened; see zephyrConfig in platforms/nrf52840";
  k_thread_create(&thread, stack, K_THREAD_STACK_SIZEOF(stack), run, NULL, NULL, NULL, PRIORITY, 0,
      K_NO_WAIT);
  k_thread_name_set(&thread, "lumicast_net");
  return NULL;
}

bool board_net_send(const uint8_t to[BOARD_ADDRESS_BYTES], uint16_t port, uint16_t from_port,
    const void *bytes, size_t size)
{
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  bool is_link_local = (to[0] == 0xFE && (to[1] & 0xC0) == 0x80) ||
    (to[0] == 0xFF && (to[1] & 15) <= 2);
  unsigned at = 0;
  while (at < count && ports[at] != from_port) at++;
  if (at == count) return false;
  memcpy(&address.sin6_addr, to, BOARD_ADDRESS_BYTES);
  if (is_link_local) address.sin6_scope_id = (uint8_t)net_if_get_by_iface(net_if_get_default());
  /* Not waiting: XS would stand still until OpenThread has sent something. */
  return zsock_sendto(sockets[at].fd, bytes, size, ZSOCK_MSG_DONTWAIT, (struct sockaddr *)&address,
      sizeof address) == (ssize_t)size;
}
