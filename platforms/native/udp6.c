#define _GNU_SOURCE
#define __APPLE_USE_RFC_3542 /* macOS: IPV6_RECVPKTINFO */
#include "udp6.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"
#include "groups.h"

enum { COAP_PORT = 5683, ADDRESSES_MAX = 8, HOPS = 16 };

static struct {
  unsigned interface; /* 0: nothing is open */
  uint8_t addresses[ADDRESSES_MAX][16]; /* the interface's own; the preferred one first */
  unsigned address_count;
  struct {
    int socket;
    uint16_t port;
  } sockets[UDP6_SOCKETS_MAX];
  unsigned socket_count;
  struct groups groups;
  struct echo echo;
  void (*opened)(int socket);
  char wrong[160];
} net;

static bool usable(const struct ifaddrs *entry, const char *interface)
{
  const unsigned needed = IFF_UP | IFF_MULTICAST;
  if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET6) return false;
  /* Who names one gets it, even lo, where unicast alone works. */
  if (interface) return !strcmp(entry->ifa_name, interface);
  return (entry->ifa_flags & needed) == needed && !(entry->ifa_flags & IFF_LOOPBACK);
}

static void add_address(const struct in6_addr *address)
{
  uint8_t *place;
  if (net.address_count == ADDRESSES_MAX) return;
  place = net.addresses[net.address_count++];
  if (!IN6_IS_ADDR_LINKLOCAL(address)) {
    memmove(net.addresses[1], net.addresses[0], (net.address_count - 1) * sizeof net.addresses[0]);
    place = net.addresses[0];
  }
  memcpy(place, address, 16);
}

/* The interface's number, and its addresses in `net`; 0 when there is none. */
static unsigned find_interface(const char *interface)
{
  struct ifaddrs *list;
  unsigned found = 0;
  net.address_count = 0;
  if (getifaddrs(&list)) return 0;
  for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
    const struct sockaddr_in6 *address = (const void *)entry->ifa_addr;
    if (!usable(entry, interface)) continue;
    if (!found) found = if_nametoindex(entry->ifa_name);
    if (if_nametoindex(entry->ifa_name) == found) add_address(&address->sin6_addr);
  }
  freeifaddrs(list);
  return found;
}

static bool membership(int socket, const uint8_t group[16], bool in)
{
  struct ipv6_mreq request = {.ipv6mr_interface = net.interface};
  const int option = in ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
  memcpy(&request.ipv6mr_multiaddr, group, 16);
  return !setsockopt(socket, IPPROTO_IPV6, option, &request, sizeof request) ||
      errno == EADDRINUSE;
}

static bool set(int socket, int level, int option, int value)
{
  return !setsockopt(socket, level, option, &value, sizeof value);
}

static bool configure(int socket, uint16_t port)
{
  struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  return set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
      set(socket, SOL_SOCKET, SO_REUSEADDR, 1) &&
#ifdef __APPLE__
      set(socket, SOL_SOCKET, SO_REUSEPORT, 1) && /* there it is this one that shares groups */
#endif
      set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
      set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)net.interface) &&
      set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOPS) &&
      set(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) &&
      fcntl(socket, F_SETFL, O_NONBLOCK) == 0 && fcntl(socket, F_SETFD, FD_CLOEXEC) == 0 &&
      bind(socket, (struct sockaddr *)&local, sizeof local) == 0;
}

static int open_port(uint16_t port)
{
  int s = socket(AF_INET6, SOCK_DGRAM, 0);
  if (s < 0 || net.socket_count == UDP6_SOCKETS_MAX || !configure(s, port)) {
    if (s >= 0) close(s);
    return -1;
  }
  for (unsigned i = 0; i < net.groups.count; i++)
    membership(s, net.groups.address[i], true);
  net.sockets[net.socket_count].socket = s;
  net.sockets[net.socket_count++].port = port;
  net.opened(s);
  return s;
}

static int socket_of(uint16_t port)
{
  for (unsigned i = 0; i < net.socket_count; i++)
    if (net.sockets[i].port == port) return net.sockets[i].socket;
  return open_port(port);
}

static const char *cannot_listen(uint16_t port)
{
  snprintf(net.wrong, sizeof net.wrong, "cannot listen on UDP port %u: %s", (unsigned)port,
      strerror(errno));
  return net.wrong;
}

const char *udp6_open(const char *interface, const uint16_t *ports, unsigned count,
    void (*opened)(int socket))
{
  net.opened = opened;
  net.interface = find_interface(interface);
  if (!net.interface) {
    snprintf(net.wrong, sizeof net.wrong,
        interface ? "%s is no interface that has an IPv6 address; see: ip -6 address"
                  : "no interface carries IPv6 multicast%s; bring one up (lo cannot)",
        interface ? interface : "");
    return net.wrong;
  }
  if (socket_of(COAP_PORT) < 0) return cannot_listen(COAP_PORT);
  for (unsigned i = 0; i < count; i++)
    if (socket_of(ports[i]) < 0) return cannot_listen(ports[i]);
  return NULL;
}

void udp6_close(void)
{
  while (net.socket_count > 0) close(net.sockets[--net.socket_count].socket);
  net.interface = 0;
}

void udp6_address(uint8_t address[16])
{
  memset(address, 0, 16);
  if (net.interface) memcpy(address, net.addresses[0], 16);
}

static bool tell(const uint8_t group[16], bool in)
{
  bool told = true;
  for (unsigned i = 0; i < net.socket_count; i++)
    told &= membership(net.sockets[i].socket, group, in);
  return told;
}

bool udp6_join(const uint8_t group[16])
{
  return groups_join(&net.groups, group, tell);
}

void udp6_leave(const uint8_t group[16])
{
  groups_leave(&net.groups, group, tell);
}

static bool is_link_local(const uint8_t a[16])
{
  return a[0] == 0xFF ? (a[1] & 15) <= 2 : a[0] == 0xFE && (a[1] & 0xC0) == 0x80;
}

bool udp6_send(const uint8_t to[16], uint16_t port, uint16_t from_port, const void *bytes,
    size_t size)
{
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int s = net.interface ? socket_of(from_port) : -1;
  if (s < 0) return false;
  memcpy(&address.sin6_addr, to, 16);
  if (is_link_local(to)) address.sin6_scope_id = net.interface;
  if (sendto(s, bytes, size, 0, (struct sockaddr *)&address, sizeof address) != (ssize_t)size)
    return false;
  echo_sent(&net.echo, from_port, to, port, bytes, size);
  return true;
}

static bool is_own_address(const uint8_t address[16])
{
  for (unsigned i = 0; i < net.address_count; i++)
    if (!memcmp(net.addresses[i], address, 16)) return true;
  return false;
}

/* Where it was sent to; false when that is another interface. Unicast between two devices of one
   computer comes by way of lo. */
static bool destination(struct msghdr *message, uint8_t to[16])
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    struct in6_pktinfo info;
    if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO) continue;
    memcpy(&info, CMSG_DATA(c), sizeof info);
    memcpy(to, &info.ipi6_addr, 16);
    return to[0] == 0xFF ? info.ipi6_ifindex == net.interface : is_own_address(to);
  }
  return false;
}

static uint16_t port_of(int s)
{
  unsigned i = 0;
  while (net.sockets[i].socket != s) i++;
  return net.sockets[i].port;
}

bool udp6_receive(int s, struct board_datagram *d)
{
  for (;;) {
    struct sockaddr_in6 from;
    char control[128];
    struct iovec part = {d->bytes, sizeof d->bytes};
    struct msghdr message = {
      .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
      .msg_control = control, .msg_controllen = sizeof control,
    };
    ssize_t size = recvmsg(s, &message, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    if (message.msg_flags & MSG_TRUNC || !destination(&message, d->to)) continue;
    d->size = (uint16_t)size;
    memcpy(d->from, &from.sin6_addr, 16);
    d->from_port = ntohs(from.sin6_port);
    d->to_port = port_of(s);
    if (!is_own_address(d->from) || !echo_returns(&net.echo, d)) return true;
  }
}
