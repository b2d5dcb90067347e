/*
 * Windows: the simulator's network. Written and compiled, never run.
 *
 * Sockets tell of datagrams by messages to a window that nobody sees (WSAAsyncSelect), on the
 * thread that runs the machine; the SDK's own sockets and timers work the same way there.
 */
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <string.h>

#include "../native/board.h"
#include "../native/echo.h"
#include "../native/groups.h"
#include "instance.h"
#include "os_win.h"

enum { COAP_PORT = 5683, SOCKETS_MAX = 10, HOPS = 16, RETRY_MS = 5000 };
enum { MESSAGE_READABLE = WM_USER + 1, TIMER_RETRY = 1 };

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
  struct groups groups;
  struct echo echo;
  LPFN_WSARECVMSG receive;
} net;

static bool set(SOCKET socket, int level, int option, DWORD value)
{
  return setsockopt(socket, level, option, (const char *)&value, sizeof value) == 0;
}

static bool membership(SOCKET socket, const uint8_t group[16], bool in)
{
  struct ipv6_mreq request = {.ipv6mr_interface = net.adapter};
  const int option = in ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP;
  memcpy(&request.ipv6mr_multiaddr, group, 16);
  return setsockopt(socket, IPPROTO_IPV6, option, (const char *)&request, sizeof request) == 0;
}

static bool configure(SOCKET s, uint16_t port)
{
  struct sockaddr_in6 local = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  GUID id = WSAID_WSARECVMSG;
  DWORD size;
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
  for (unsigned i = 0; i < net.groups.count; i++)
    membership(s, net.groups.address[i], true);
  net.sockets[net.socket_count].socket = s;
  net.sockets[net.socket_count++].port = port;
  return s;
}

static void open_or_retry(void)
{
  net.adapter = os_win_adapter(net.address);
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

/* False when what waited is not for us. */
static bool receive(SOCKET s, struct board_datagram *d)
{
  struct sockaddr_in6 from, local;
  char control[128];
  WSABUF part = {sizeof d->bytes, (char *)d->bytes};
  WSAMSG message = {(struct sockaddr *)&from, sizeof from, &part, 1, {sizeof control, control}, 0};
  int length = sizeof local;
  DWORD size;
  if (net.receive(s, &message, &size, NULL, NULL) != 0) return false;
  if (message.dwFlags & MSG_TRUNC || !destination(&message, d->to)) return false;
  getsockname(s, (struct sockaddr *)&local, &length);
  memcpy(d->from, &from.sin6_addr, 16);
  d->from_port = ntohs(from.sin6_port);
  d->to_port = ntohs(local.sin6_port);
  d->micros = board_micros();
  d->size = (uint16_t)size;
  return memcmp(d->from, net.address, 16) != 0 || !echo_returns(&net.echo, d);
}

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM w, LPARAM l)
{
  static struct board_datagram datagram;
  if (message == WM_TIMER && w == TIMER_RETRY) open_or_retry();
  else if (message == MESSAGE_READABLE) {
    /* One for each message: reading asks for the next one. */
    if (receive((SOCKET)w, &datagram)) board_event_datagram(&datagram);
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

static bool tell(const uint8_t group[BOARD_ADDRESS_BYTES], bool in)
{
  bool told = true;
  for (unsigned i = 0; i < net.socket_count; i++)
    told &= membership(net.sockets[i].socket, group, in);
  return told;
}

bool board_net_join(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  return groups_join(&net.groups, group, tell);
}

void board_net_leave(const uint8_t group[BOARD_ADDRESS_BYTES])
{
  groups_leave(&net.groups, group, tell);
}

bool board_net_send(const uint8_t to[BOARD_ADDRESS_BYTES], uint16_t port, uint16_t from_port,
    const void *bytes, size_t size)
{
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  SOCKET s = net.adapter ? socket_of(from_port) : INVALID_SOCKET;
  if (s == INVALID_SOCKET) return false;
  memcpy(&address.sin6_addr, to, 16);
  if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&address.sin6_addr))
    address.sin6_scope_id = net.adapter;
  if (sendto(s, bytes, (int)size, 0, (struct sockaddr *)&address, sizeof address) != (int)size)
    return false;
  echo_sent(&net.echo, from_port, to, port, bytes, size);
  return true;
}
