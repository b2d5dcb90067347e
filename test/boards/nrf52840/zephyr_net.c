/* Sockets, and OpenThread with its lock. One datagram waits at each port, as one is enough. */
#include "zephyr.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <openthread.h>
#include <openthread/dataset.h>
#include <openthread/ip6.h>
#include <openthread/link.h>
#include <openthread/thread.h>
#include <openthread/thread_ftd.h>
#include <zephyr/kernel.h>
#include <zephyr/net/net_if.h>
#include <zephyr/net/socket.h>

enum { FIRST = 3, OPTIONS = 64, WAITING_MAX = 128 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER, idle = PTHREAD_COND_INITIALIZER;
static struct {
  uint16_t port;
  int options[OPTIONS];
} sockets[PORTS_MAX];
static int opened;
static struct wire waiting[WAITING_MAX];
static unsigned waiting_count;
static bool polling;

struct wire sent;
unsigned scope_sent;
bool no_buffers;

static struct {
  k_thread_entry_t entry;
} started;

static void *enter(void *unused)
{
  started.entry(unused, NULL, NULL);
  return NULL;
}

k_tid_t k_thread_create(struct k_thread *thread, k_thread_stack_t *stack, size_t size,
    k_thread_entry_t entry, void *a, void *b, void *c, int priority, uint32_t options,
    k_timeout_t delay)
{
  pthread_t id;
  (void)stack, (void)a, (void)b, (void)c, (void)priority, (void)options, (void)delay;
  if (size < 1024) return NULL;
  started.entry = entry;
  pthread_create(&id, NULL, enter, NULL);
  pthread_detach(id);
  return thread;
}

int zsock_socket(int family, int type, int protocol)
{
  if (family != AF_INET6 || type != SOCK_DGRAM || protocol != IPPROTO_UDP) return -1;
  if (opened == PORTS_MAX) return -1;
  return FIRST + opened++;
}

int zsock_close(int s)
{
  return s == FIRST + --opened ? 0 : -1;
}

int zsock_bind(int s, const struct sockaddr *address, socklen_t size)
{
  struct sockaddr_in6 local;
  if (size != sizeof local) return -1;
  memcpy(&local, address, sizeof local);
  sockets[s - FIRST].port = ntohs(local.sin6_port);
  return 0;
}

int zsock_setsockopt(int s, int level, int option, const void *value, socklen_t size)
{
  if (level != IPPROTO_IPV6 || option >= OPTIONS || size != sizeof(int)) return -1;
  memcpy(&sockets[s - FIRST].options[option], value, sizeof(int));
  return 0;
}

bool network_option(uint16_t port, int option, int *value)
{
  for (int i = 0; i < opened; i++)
    if (sockets[i].port == port) {
      *value = sockets[i].options[option];
      return true;
    }
  return false;
}

void network_arrives(const struct wire *datagram)
{
  pthread_mutex_lock(&lock);
  waiting[waiting_count++] = *datagram;
  polling = false;
  pthread_cond_signal(&arrived);
  pthread_mutex_unlock(&lock);
}

void network_settles(void)
{
  pthread_mutex_lock(&lock);
  while (waiting_count || !polling) pthread_cond_wait(&idle, &lock);
  pthread_mutex_unlock(&lock);
}

int zsock_poll(struct zsock_pollfd *polled, int count, int timeout_ms)
{
  int ready = 0;
  (void)timeout_ms;
  pthread_mutex_lock(&lock);
  while (!waiting_count) {
    polling = true;
    pthread_cond_signal(&idle);
    pthread_cond_wait(&arrived, &lock);
  }
  for (int i = 0; i < count; i++) {
    polled[i].revents = 0;
    for (unsigned w = 0; w < waiting_count; w++)
      if (waiting[w].to_port == sockets[polled[i].fd - FIRST].port)
        polled[i].revents = ZSOCK_POLLIN;
    ready += polled[i].revents != 0;
  }
  pthread_mutex_unlock(&lock);
  return ready;
}

/* As insert_pktinfo in Zephyr's sockets_inet.c: the first header whose length is zero is the free
   one; what the caller left in there counts as a message. */
static void add_pktinfo(struct msghdr *message, const struct wire *datagram)
{
  struct cmsghdr *c = CMSG_FIRSTHDR(message);
  struct in6_pktinfo info = {.ipi6_ifindex = 0};
  if (!c || c->cmsg_len || message->msg_controllen < CMSG_LEN(sizeof info)) {
    message->msg_flags |= 0x20;
    return;
  }
  memcpy(&info.ipi6_addr, datagram->to, 16);
  *c = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_RECVPKTINFO};
  memcpy(CMSG_DATA(c), &info, sizeof info);
}

static bool take(int s, struct wire *datagram)
{
  for (unsigned w = 0; w < waiting_count; w++)
    if (waiting[w].to_port == sockets[s - FIRST].port) {
      *datagram = waiting[w];
      memmove(waiting + w, waiting + w + 1, (--waiting_count - w) * sizeof *waiting);
      return true;
    }
  return false;
}

ssize_t zsock_recvmsg(int s, struct msghdr *message, int flags)
{
  struct sockaddr_in6 from = {.sin6_family = AF_INET6};
  struct iovec *part = message->msg_iov;
  struct wire datagram;
  bool has;
  pthread_mutex_lock(&lock);
  has = take(s, &datagram);
  pthread_mutex_unlock(&lock);
  if (!has || flags != ZSOCK_MSG_DONTWAIT) return -1;
  memcpy(&from.sin6_addr, datagram.from, 16);
  from.sin6_port = htons(datagram.from_port);
  memcpy(message->msg_name, &from, sizeof from);
  if (datagram.size > part->iov_len) message->msg_flags |= ZSOCK_MSG_TRUNC;
  else part->iov_len = datagram.size;
  if (datagram.size) memcpy(part->iov_base, datagram.bytes, part->iov_len);
  if (!datagram.no_pktinfo && sockets[s - FIRST].options[IPV6_RECVPKTINFO])
    add_pktinfo(message, &datagram);
  else message->msg_controllen = 0;
  return (ssize_t)part->iov_len;
}

ssize_t zsock_sendto(int s, const void *bytes, size_t size, int flags, const struct sockaddr *to,
    socklen_t to_size)
{
  struct sockaddr_in6 address;
  if (no_buffers || flags != ZSOCK_MSG_DONTWAIT || to_size != sizeof address) return -1;
  memcpy(&address, to, sizeof address);
  sent = (struct wire){.from_port = sockets[s - FIRST].port, .size = size, .bytes = bytes};
  memcpy(sent.to, &address.sin6_addr, 16);
  sent.to_port = ntohs(address.sin6_port);
  scope_sent = address.sin6_scope_id;
  return (ssize_t)size;
}

/* Zephyr's side of a group and OpenThread's. */
struct net_if_mcast_addr {
  uint8_t address[16];
  bool used, joined, subscribed;
};
static struct net_if_mcast_addr table[SUBSCRIPTIONS_MAX];

static struct net_if_mcast_addr *entry_of(const void *address)
{
  for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++)
    if (table[i].used && !memcmp(table[i].address, address, 16)) return &table[i];
  return NULL;
}

static struct net_if_mcast_addr *entry_for(const void *address)
{
  struct net_if_mcast_addr *entry = entry_of(address);
  for (unsigned i = 0; !entry && i < SUBSCRIPTIONS_MAX; i++)
    if (!table[i].used) {
      entry = &table[i];
      *entry = (struct net_if_mcast_addr){.used = true};
      memcpy(entry->address, address, 16);
    }
  return entry;
}

struct net_if *net_if_get_default(void)
{
  return (struct net_if *)table;
}

int net_if_get_by_iface(struct net_if *interface)
{
  return interface == net_if_get_default() ? 1 : -1;
}

struct net_if_mcast_addr *net_if_ipv6_maddr_lookup(const struct in6_addr *address,
    struct net_if **interface)
{
  return *interface == net_if_get_default() ? entry_of(address) : NULL;
}

struct net_if_mcast_addr *net_if_ipv6_maddr_add(struct net_if *interface,
    const struct in6_addr *address)
{
  (void)interface;
  return entry_for(address);
}

bool net_if_ipv6_maddr_rm(struct net_if *interface, const struct in6_addr *address)
{
  struct net_if_mcast_addr *entry = entry_of(address);
  (void)interface;
  if (entry) entry->used = false;
  return entry != NULL;
}

void net_if_ipv6_maddr_join(struct net_if *interface, struct net_if_mcast_addr *address)
{
  (void)interface;
  address->joined = true;
}

bool net_if_ipv6_maddr_is_joined(struct net_if_mcast_addr *address)
{
  return address->joined;
}

bool is_subscribed(const uint8_t group[16])
{
  struct net_if_mcast_addr *entry = entry_of(group);
  return entry && entry->joined && entry->subscribed;
}

unsigned subscriptions(void)
{
  unsigned count = 0;
  for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++) count += table[i].used;
  return count;
}

bool thread_runs, is_router_eligible;
uint8_t stored[254];
uint8_t stored_size;
int lock_depth;
static otDeviceRole role;
static otStateChangedCallback on_state;

struct otInstance *openthread_get_default_instance(void)
{
  return (struct otInstance *)&role;
}

void openthread_mutex_lock(void)
{
  lock_depth++;
}

void openthread_mutex_unlock(void)
{
  lock_depth--;
}

int openthread_run(void)
{
  thread_runs = true;
  return 0;
}

otError otSetStateChangedCallback(otInstance *instance, otStateChangedCallback callback,
    void *context)
{
  (void)instance;
  (void)context;
  on_state = callback;
  return OT_ERROR_NONE;
}

void thread_role(int to)
{
  role = (otDeviceRole)to;
  lock_depth++;
  on_state(OT_CHANGED_THREAD_ROLE | 1, NULL);
  lock_depth--;
}

otDeviceRole otThreadGetDeviceRole(otInstance *instance)
{
  (void)instance;
  return role;
}

/* Fails a test that calls OpenThread without its lock. */
static bool is_locked(void)
{
  return lock_depth > 0;
}

otError otIp6SubscribeMulticastAddress(otInstance *instance, const otIp6Address *address)
{
  struct net_if_mcast_addr *entry = is_locked() ? entry_for(address) : NULL;
  (void)instance;
  if (!entry) return (otError)3; /* OT_ERROR_NO_BUFS */
  if (entry->subscribed) return OT_ERROR_ALREADY;
  entry->subscribed = true;
  return OT_ERROR_NONE;
}

otError otIp6UnsubscribeMulticastAddress(otInstance *instance, const otIp6Address *address)
{
  struct net_if_mcast_addr *entry = is_locked() ? entry_of(address) : NULL;
  (void)instance;
  if (entry) entry->subscribed = false;
  return OT_ERROR_NONE;
}

bool otDatasetIsCommissioned(otInstance *instance)
{
  (void)instance;
  return is_locked() && stored_size > 0;
}

otError otDatasetGetActiveTlvs(otInstance *instance, otOperationalDatasetTlvs *dataset)
{
  (void)instance;
  if (!is_locked() || !stored_size) return (otError)23; /* OT_ERROR_NOT_FOUND */
  memcpy(dataset->mTlvs, stored, stored_size);
  dataset->mLength = stored_size;
  return OT_ERROR_NONE;
}

otError otDatasetSetActiveTlvs(otInstance *instance, const otOperationalDatasetTlvs *dataset)
{
  (void)instance;
  if (!is_locked()) return (otError)13; /* OT_ERROR_INVALID_STATE */
  memcpy(stored, dataset->mTlvs, dataset->mLength);
  stored_size = dataset->mLength;
  return OT_ERROR_NONE;
}

otError otThreadSetRouterEligible(otInstance *instance, bool eligible)
{
  (void)instance;
  is_router_eligible = eligible;
  return OT_ERROR_NONE;
}

static const otIp6Address mesh_local = {{0xFD, 1}}, link_local = {{0xFE, 0x80}};

const otIp6Address *otThreadGetMeshLocalEid(otInstance *instance)
{
  (void)instance;
  return &mesh_local;
}

const otIp6Address *otThreadGetLinkLocalIp6Address(otInstance *instance)
{
  (void)instance;
  return &link_local;
}

void otLinkGetFactoryAssignedIeeeEui64(otInstance *instance, otExtAddress *eui64)
{
  (void)instance;
  memcpy(eui64->m8, "\xF4\xCE\x36\0\0\0\0\x01", 8);
}
