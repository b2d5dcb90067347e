/*
 * Windows: clock, chance, files and network of the simulator. Written and compiled, never run.
 *
 * Sockets tell of datagrams by messages to a window that nobody sees (WSAAsyncSelect), on the
 * thread that runs the machine; the SDK's own sockets and timers work the same way there.
 */
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <bcrypt.h>
#include <iphlpapi.h>
#include <share.h>
#include <stdlib.h>
#include <string.h>

#include "../native/board.h"
#include "instance.h"
#include "os.h"

#ifdef _MSC_VER
#pragma comment(lib, "bcrypt.lib") /* the SDK's makefile links the others */
#endif

enum { COAP_PORT = 5683, SOCKETS_MAX = 10, GROUPS_MAX = 64, HOPS = 16, RETRY_MS = 5000 };
enum { MESSAGE_READABLE = WM_USER + 1, TIMER_RETRY = 1, RECENT_MAX = 16, ADAPTERS_BYTES = 65536 };

static struct {
  HWND window;
  DWORD adapter; /* 0: nothing is open */
  uint8_t address[16];
  struct {
    SOCKET socket;
    uint16_t port;
  } sockets[SOCKETS_MAX];
  unsigned socket_count;
  uint16_t ports[SOCKETS_MAX];
  unsigned port_count;
  uint8_t groups[GROUPS_MAX][16];
  unsigned group_count;
  uint64_t recent[RECENT_MAX]; /* hashes of multicasts sent; 0: none */
  unsigned recent_at;
  LPFN_WSARECVMSG receive;
} net;

uint64_t board_micros(void)
{
  static LARGE_INTEGER frequency, boot;
  LARGE_INTEGER now;
  uint64_t ticks;
  QueryPerformanceCounter(&now);
  if (boot.QuadPart == 0) {
    QueryPerformanceFrequency(&frequency);
    boot = now;
  }
  ticks = (uint64_t)(now.QuadPart - boot.QuadPart);
  return ticks / (uint64_t)frequency.QuadPart * 1000000 +
      ticks % (uint64_t)frequency.QuadPart * 1000000 / (uint64_t)frequency.QuadPart;
}

bool board_random(void *into, size_t size)
{
  return BCryptGenRandom(NULL, into, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0;
}

const char *os_state_folder(void)
{
  return getenv("LOCALAPPDATA");
}

bool os_make_folder(const char *path)
{
  return CreateDirectoryA(path, NULL) || GetLastError() == ERROR_ALREADY_EXISTS;
}

FILE *os_open_alone(const char *path)
{
  FILE *made = _fsopen(path, "ab", _SH_DENYRW);
  if (!made) return NULL;
  fclose(made);
  return _fsopen(path, "r+b", _SH_DENYRW);
}

/* The first adapter that is up, is not the loopback, and has IPv6; its preferred address. */
static DWORD find_adapter(void)
{
  IP_ADAPTER_ADDRESSES *list = malloc(ADAPTERS_BYTES);
  ULONG size = ADAPTERS_BYTES;
  DWORD found = 0;
  if (!list || GetAdaptersAddresses(AF_INET6, 0, NULL, list, &size) != NO_ERROR) {
    free(list);
    return 0;
  }
  for (IP_ADAPTER_ADDRESSES *a = list; a && !found; a = a->Next) {
    if (a->OperStatus != IfOperStatusUp || a->IfType == IF_TYPE_SOFTWARE_LOOPBACK) continue;
    for (IP_ADAPTER_UNICAST_ADDRESS *u = a->FirstUnicastAddress; u; u = u->Next) {
      const struct sockaddr_in6 *address = (const void *)u->Address.lpSockaddr;
      if (found && IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) continue;
      memcpy(net.address, &address->sin6_addr, 16);
      found = a->Ipv6IfIndex;
    }
  }
  free(list);
  return found;
}

static bool set(SOCKET socket, int level, int option, DWORD value)
{
  return setsockopt(socket, level, option, (const char *)&value, sizeof value) == 0;
}

static bool membership(SOCKET socket, const uint8_t group[16], int option)
{
  struct ipv6_mreq request;
  memset(&request, 0, sizeof request);
  memcpy(&request.ipv6mr_multiaddr, group, 16);
  request.ipv6mr_interface = net.adapter;
  return setsockopt(socket, IPPROTO_IPV6, option, (const char *)&request, sizeof request) == 0;
}

static bool configure(SOCKET s, uint16_t port)
{
  struct sockaddr_in6 local;
  GUID id = WSAID_WSARECVMSG;
  DWORD size;
  memset(&local, 0, sizeof local);
  local.sin6_family = AF_INET6;
  local.sin6_port = htons(port);
  return set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1) && set(s, SOL_SOCKET, SO_REUSEADDR, 1) &&
      set(s, IPPROTO_IPV6, IPV6_PKTINFO, 1) &&
      set(s, IPPROTO_IPV6, IPV6_MULTICAST_IF, net.adapter) &&
      set(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, HOPS) &&
      set(s, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) &&
      WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof id, &net.receive,
          sizeof net.receive, &size, NULL, NULL) == 0 &&
      bind(s, (struct sockaddr *)&local, sizeof local) == 0 &&
      WSAAsyncSelect(s, net.window, MESSAGE_READABLE, FD_READ) == 0;
}

static SOCKET socket_of(uint16_t port)
{
  SOCKET s;
  for (unsigned i = 0; i < net.socket_count; i++)
    if (net.sockets[i].port == port) return net.sockets[i].socket;
  s = socket(AF_INET6, SOCK_DGRAM, 0);
  if (s == INVALID_SOCKET || net.socket_count == SOCKETS_MAX || !configure(s, port)) {
    if (s != INVALID_SOCKET) closesocket(s);
    return INVALID_SOCKET;
  }
  for (unsigned i = 0; i < net.group_count; i++) membership(s, net.groups[i], IPV6_JOIN_GROUP);
  net.sockets[net.socket_count].socket = s;
  net.sockets[net.socket_count++].port = port;
  return s;
}

static void open_or_retry(void)
{
  net.adapter = find_adapter();
  if (!net.adapter) {
    instance_tell("network", "no adapter with IPv6 is up; tried again every 5 s");
    SetTimer(net.window, TIMER_RETRY, RETRY_MS, NULL);
    return;
  }
  KillTimer(net.window, TIMER_RETRY);
  for (unsigned i = 0; i < net.port_count; i++)
    if (socket_of(net.ports[i]) == INVALID_SOCKET) {
      instance_tell("network", "cannot listen: another program has the port for itself");
      return;
    }
  instance_tell("network", "open");
}

/* FNV-1a: what is heard again of what was sent a moment ago is our own copy. */
static uint64_t identity(const uint8_t to[16], uint16_t port, const void *bytes, size_t size)
{
  uint64_t sum = 14695981039346656037u ^ port;
  for (size_t i = 0; i < 16; i++) sum = (sum ^ to[i]) * 1099511628211u;
  for (size_t i = 0; i < size; i++) sum = (sum ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
  return sum | 1;
}

static bool is_own_copy(const struct board_datagram *d)
{
  uint64_t sum = identity(d->to, d->to_port, d->bytes, d->size);
  if (d->to[0] != 0xFF || memcmp(d->from, net.address, 16)) return false;
  for (unsigned i = 0; i < RECENT_MAX; i++)
    if (net.recent[i] == sum) {
      net.recent[i] = 0;
      return true;
    }
  return false;
}

static bool destination(WSAMSG *message, uint8_t to[16])
{
  for (WSACMSGHDR *c = WSA_CMSG_FIRSTHDR(message); c; c = WSA_CMSG_NXTHDR(message, c))
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      const struct in6_pktinfo *info = (const void *)WSA_CMSG_DATA(c);
      memcpy(to, &info->ipi6_addr, 16);
      return true;
    }
  return false;
}

static bool receive(SOCKET s, struct board_datagram *d)
{
  struct sockaddr_in6 from, local;
  char control[128];
  WSABUF part = {sizeof d->bytes, (char *)d->bytes};
  WSAMSG message = {(struct sockaddr *)&from, sizeof from, &part, 1, {sizeof control, control}, 0};
  int length = sizeof local;
  DWORD size;
  if (net.receive(s, &message, &size, NULL, NULL) != 0) return false;
  d->size = 0;
  if (message.dwFlags & MSG_TRUNC || !destination(&message, d->to)) return true;
  getsockname(s, (struct sockaddr *)&local, &length);
  memcpy(d->from, &from.sin6_addr, 16);
  d->from_port = ntohs(from.sin6_port);
  d->to_port = ntohs(local.sin6_port);
  d->micros = board_micros();
  d->size = (uint16_t)size;
  return true;
}

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM w, LPARAM l)
{
  static struct board_datagram datagram;
  if (message == WM_TIMER && w == TIMER_RETRY) open_or_retry();
  else if (message == MESSAGE_READABLE) {
    /* One for each message: reading asks for the next one. */
    if (receive((SOCKET)w, &datagram) && datagram.size > 0 && !is_own_copy(&datagram))
      board_event_datagram(&datagram);
  } else return DefWindowProcA(window, message, w, l);
  return 0;
}

const char *board_net_open(const uint16_t *ports, unsigned count)
{
  WNDCLASSA class = {.lpfnWndProc = on_message, .lpszClassName = "lumicast"};
  WSADATA data;
  if (count > SOCKETS_MAX - 2) return "too many ports";
  if (WSAStartup(MAKEWORD(2, 2), &data)) return "Windows Sockets 2.2 do not start";
  net.ports[0] = COAP_PORT;
  memcpy(net.ports + 1, ports, count * sizeof *ports);
  net.port_count = count + 1;
  RegisterClassA(&class);
  net.window = CreateWindowA("lumicast", "", 0, 0, 0, 0, 0, HWND_MESSAGE, NULL, NULL, NULL);
  if (!net.window) return "Windows makes no window for the sockets' messages";
  open_or_retry();
  return NULL;
}

void board_net_address(uint8_t address[BOARD_ADDRESS_BYTES])
{
  memset(address, 0, 16);
  if (net.adapter) memcpy(address, net.address, 16);
}

static unsigned index_of(const uint8_t group[16])
{
  unsigned i = 0;
  while (i < net.group_count && memcmp(net.groups[i], group, 16)) i++;
  return i;
}

bool board_net_join(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  if (group[0] != 0xFF) return false;
  if (index_of(group) < net.group_count) return true;
  if (net.group_count == GROUPS_MAX) return false;
  for (unsigned i = 0; i < net.socket_count; i++)
    if (!membership(net.sockets[i].socket, group, IPV6_JOIN_GROUP)) return false;
  memcpy(net.groups[net.group_count++], group, 16);
  return true;
}

void board_net_leave(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  unsigned i = index_of(group);
  if (i == net.group_count) return;
  for (unsigned s = 0; s < net.socket_count; s++)
    membership(net.sockets[s].socket, group, IPV6_LEAVE_GROUP);
  memcpy(net.groups[i], net.groups[--net.group_count], 16);
}

bool board_net_send(const uint8_t to[BOARD_ADDRESS_BYTES], uint16_t port, uint16_t from_port,
    const void *bytes, size_t size)
{
  struct sockaddr_in6 address;
  SOCKET s = net.adapter ? socket_of(from_port) : INVALID_SOCKET;
  if (s == INVALID_SOCKET) return false;
  memset(&address, 0, sizeof address);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  memcpy(&address.sin6_addr, to, 16);
  if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&address.sin6_addr))
    address.sin6_scope_id = net.adapter;
  if (sendto(s, bytes, (int)size, 0, (struct sockaddr *)&address, sizeof address) != (int)size)
    return false;
  if (to[0] != 0xFF) return true;
  net.recent[net.recent_at] = identity(to, port, bytes, size);
  net.recent_at = (net.recent_at + 1) % RECENT_MAX;
  return true;
}
