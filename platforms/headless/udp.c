#define _GNU_SOURCE
#include "udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

enum { ADDRESSES_MAX = 8, RECENT_MAX = 16 };

static struct {
  bool open;
  unsigned interface;
  uint8_t addresses[ADDRESSES_MAX][16]; /* the interface's own; the preferred one first */
  unsigned address_count;
  struct {
    int socket;
    uint16_t port;
  } sockets[UDP_SOCKETS_MAX];
  unsigned socket_count;
  uint8_t groups[64][16]; /* joined: sockets opened later join them too */
  unsigned group_count;
  uint64_t recent[RECENT_MAX]; /* identities of multicasts sent; 0: none */
  unsigned recent_at;
} net;

static bool usable(const struct ifaddrs *entry)
{
  const unsigned needed = IFF_UP | IFF_MULTICAST;
  if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET6) return false;
  if (options.interface) return !strcmp(entry->ifa_name, options.interface);
  return (entry->ifa_flags & needed) == needed && !(entry->ifa_flags & IFF_LOOPBACK);
}

static void find_interface(void)
{
  struct ifaddrs *list, *entry;
  if (getifaddrs(&list)) die(EXIT_BAD_OPTION, "cannot list interfaces: %s", strerror(errno));
  for (entry = list; entry; entry = entry->ifa_next) {
    const struct in6_addr *address;
    unsigned index;
    if (!usable(entry)) continue;
    index = if_nametoindex(entry->ifa_name);
    if (!net.interface) net.interface = index;
    if (index != net.interface || net.address_count == ADDRESSES_MAX) continue;
    address = &((const struct sockaddr_in6 *)(const void *)entry->ifa_addr)->sin6_addr;
    memcpy(net.addresses[net.address_count++], address, 16);
    if (!IN6_IS_ADDR_LINKLOCAL(address) && net.address_count > 1) {
      memcpy(net.addresses[net.address_count - 1], net.addresses[0], 16);
      memcpy(net.addresses[0], address, 16);
    }
  }
  freeifaddrs(list);
  if (net.interface) return;
  if (options.interface)
    die(EXIT_BAD_OPTION, "interface %s does not exist or has no IPv6 address; see: ip -6 address",
        options.interface);
  die(EXIT_BAD_OPTION, "no interface carries IPv6 multicast; bring one up, or run on the medium "
      "with --control");
}

static bool membership(int socket, const uint8_t group[16], bool join)
{
  struct ipv6_mreq request;
  memcpy(&request.ipv6mr_multiaddr, group, 16);
  request.ipv6mr_interface = net.interface;
  return !setsockopt(socket, IPPROTO_IPV6, join ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
      sizeof request) || errno == EADDRINUSE;
}

static int open_port(uint16_t port)
{
  struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int one = 1, hops = 16, interface = (int)net.interface;
  int s = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0 || net.socket_count == UDP_SOCKETS_MAX ||
      setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) ||
      setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
      setsockopt(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one) ||
      setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof interface) ||
      setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) ||
      setsockopt(s, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &one, sizeof one) ||
      bind(s, (struct sockaddr *)&local, sizeof local)) {
    if (s >= 0) close(s);
    return -1;
  }
  for (unsigned i = 0; i < net.group_count; i++) membership(s, net.groups[i], true);
  net.sockets[net.socket_count].socket = s;
  net.sockets[net.socket_count++].port = port;
  return s;
}

static void require_port(uint16_t port)
{
  if (open_port(port) < 0)
    die(EXIT_BAD_OPTION, "cannot listen on UDP port %u: %s", (unsigned)port, strerror(errno));
}

void udp_open(void)
{
  if (net.open) return;
  net.open = true;
  find_interface();
  require_port(COAP_PORT);
  for (unsigned i = 0; i < options.port_count; i++)
    if (options.ports[i] != COAP_PORT) require_port(options.ports[i]);
}

const uint8_t *udp_address(void)
{
  return net.addresses[0];
}

bool udp_join(const uint8_t group[16], bool join)
{
  unsigned known = 0;
  bool done = true;
  if (group[0] != 0xFF) return false;
  while (known < net.group_count && memcmp(net.groups[known], group, 16)) known++;
  if (join == (known < net.group_count)) return true;
  if (join && known == sizeof net.groups / sizeof *net.groups) return false;
  for (unsigned i = 0; i < net.socket_count; i++)
    done = membership(net.sockets[i].socket, group, join) && done;
  if (!join) memcpy(net.groups[known], net.groups[--net.group_count], 16);
  else if (done) memcpy(net.groups[net.group_count++], group, 16);
  return done;
}

/* FNV-1a over what makes a multicast ours: source port, destination and bytes. */
static uint64_t hash(uint64_t sum, const void *data, size_t size)
{
  for (const uint8_t *p = data; size--; p++) sum = (sum ^ *p) * 1099511628211u;
  return sum;
}

static uint64_t identity(uint16_t from_port, const uint8_t to[16], uint16_t to_port,
    const uint8_t *bytes, size_t size)
{
  uint64_t sum = hash(14695981039346656037u, &from_port, sizeof from_port);
  sum = hash(hash(sum, to, 16), &to_port, sizeof to_port);
  return hash(sum, bytes, size) | 1;
}

static int socket_of(uint16_t port)
{
  for (unsigned i = 0; i < net.socket_count; i++)
    if (net.sockets[i].port == port) return net.sockets[i].socket;
  return open_port(port);
}

bool udp_send(const uint8_t to[16], uint16_t port, uint16_t from_port, const uint8_t *bytes,
    size_t size)
{
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int s = socket_of(from_port);
  bool multicast = to[0] == 0xFF;
  bool link_local = (to[0] == 0xFE && (to[1] & 0xC0) == 0x80) || (multicast && (to[1] & 15) <= 2);
  if (s < 0) return false;
  memcpy(&address.sin6_addr, to, 16);
  if (link_local) address.sin6_scope_id = net.interface;
  if (sendto(s, bytes, size, 0, (struct sockaddr *)&address, sizeof address) != (ssize_t)size)
    return false;
  if (!multicast) return true;
  net.recent[net.recent_at] = identity(from_port, to, port, bytes, size);
  net.recent_at = (net.recent_at + 1) % RECENT_MAX;
  return true;
}

unsigned udp_sockets(int sockets[UDP_SOCKETS_MAX])
{
  for (unsigned i = 0; i < net.socket_count; i++) sockets[i] = net.sockets[i].socket;
  return net.socket_count;
}

static bool is_own_address(const uint8_t address[16])
{
  for (unsigned i = 0; i < net.address_count; i++)
    if (!memcmp(net.addresses[i], address, 16)) return true;
  return false;
}

static bool is_own_copy(const struct udp_datagram *d)
{
  uint64_t sum;
  if (d->to[0] != 0xFF || !is_own_address(d->from)) return false;
  sum = identity(d->from_port, d->to, d->to_port, d->bytes, d->size);
  for (unsigned i = 0; i < RECENT_MAX; i++)
    if (net.recent[i] == sum) {
      net.recent[i] = 0;
      return true;
    }
  return false;
}

/* Where it was sent to; false when that is another interface. Unicast between two processes of one
   computer comes by way of lo. */
static bool destination(struct msghdr *message, uint8_t to[16])
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo info;
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

bool udp_receive(int s, struct udp_datagram *d)
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
    d->size = (size_t)size;
    memcpy(d->from, &from.sin6_addr, 16);
    d->from_port = ntohs(from.sin6_port);
    d->to_port = port_of(s);
    if (!is_own_copy(d)) return true;
  }
}
