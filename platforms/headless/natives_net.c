/*
 * What only this host has: the datagram port's natives over platforms/native/udp6.c, delivery to
 * its onDatagram, what signatures made by TypeScript cost, and the status LED.
 */
#include "natives.h"

#include "../native/udp6.h"
#include "clock.h"
#include "costs.h"
#include "net.h"
#include "output.h"

static xsSlot port_object;
static bool attached;
static int sockets[NET_SOCKETS_MAX];
static unsigned socket_count;

_Static_assert((int)NET_SOCKETS_MAX == (int)UDP6_SOCKETS_MAX, "room for every socket");

static void opened(int socket)
{
  sockets[socket_count++] = socket;
}

/* The first that needs the network opens it, or ends the process with a clear line. */
static void open_network(void)
{
  const char *wrong = NULL;
  if (socket_count == 0)
    wrong = udp6_open(options.interface, options.ports, options.port_count, opened);
  if (wrong) die(EXIT_BAD_OPTION, "%s; or run on the medium with --control", wrong);
}

void net_attach(void *machine)
{
  xsMachine *the = machine;
  xsmcGet(port_object, xsArg(0), xsID("datagram"));
  xsRemember(port_object);
  attached = true;
}

static struct bytes get_address(xsMachine *the, int index)
{
  struct bytes address = get_bytes(the, &xsArg(index));
  if (address.size != 16) xsRangeError("udp: only IPv6 addresses, of 16 bytes");
  return address;
}

static void native_address(xsMachine *the)
{
  uint8_t address[16];
  open_network();
  udp6_address(address);
  set_bytes(the, &xsResult, address, sizeof address);
}

static void native_join(xsMachine *the)
{
  open_network();
  xsmcSetBoolean(xsResult, udp6_join(get_address(the, 0).data));
}

static void native_leave(xsMachine *the)
{
  open_network();
  udp6_leave(get_address(the, 0).data);
}

/* udpSend(address, port, fromPort, bytes) -> boolean */
static void native_send(xsMachine *the)
{
  uint16_t port = (uint16_t)get_whole(the, &xsArg(1), 65535, "udp: port");
  uint16_t from_port = (uint16_t)get_whole(the, &xsArg(2), 65535, "udp: fromPort");
  struct bytes to, bytes;
  open_network();
  to = get_address(the, 0);
  bytes = get_bytes(the, &xsArg(3));
  xsmcSetBoolean(xsResult, udp6_send(to.data, port, from_port, bytes.data, bytes.size));
}

unsigned net_poll(struct pollfd *polls)
{
  for (unsigned i = 0; i < socket_count; i++) polls[i] = (struct pollfd){sockets[i], POLLIN, 0};
  return socket_count;
}

static void define_endpoint(xsMachine *the, const char *name, const uint8_t *address, int port)
{
  xsVar(1) = xsNewObject();
  set_bytes(the, &xsVar(2), address, 16);
  xsmcDefine(xsVar(1), xsID("address"), xsVar(2), xsDefault);
  xsmcSetInteger(xsVar(2), port);
  xsmcDefine(xsVar(1), xsID("port"), xsVar(2), xsDefault);
  xsmcDefine(xsVar(0), xsID((char *)name), xsVar(1), xsDefault);
}

static void deliver(xsMachine *the, const struct board_datagram *datagram)
{
  xsmcVars(4);
  xsVar(3) = xsAccess(port_object);
  if (xsmcTypeOf(xsVar(3)) == xsUndefinedType) return;
  xsVar(0) = xsNewObject();
  define_endpoint(the, "from", datagram->from, datagram->from_port);
  define_endpoint(the, "to", datagram->to, datagram->to_port);
  set_bytes(the, &xsVar(1), datagram->bytes, datagram->size);
  xsmcDefine(xsVar(0), xsID("bytes"), xsVar(1), xsDefault);
  xsmcSetNumber(xsVar(1), (double)clock_micros());
  xsmcDefine(xsVar(0), xsID("atMicros"), xsVar(1), xsDefault);
  xsmcGet(xsVar(1), xsVar(3), xsID("onDatagram"));
  call_if_function(the, &xsVar(1), &xsVar(3), 1, &xsVar(0));
}

void net_receive(void *machine, int socket)
{
  static struct board_datagram datagram;
  while (udp6_receive(socket, &datagram)) {
    if (!attached) continue;
    xsBeginHost(machine);
    deliver(the, &datagram);
    xsEndHost(machine);
    machine_turn_end(machine);
  }
}

/* chargeSignature(kind): virtual time of what TypeScript's signatures do, as if libsodium did it */
static void native_charge_signature(xsMachine *the)
{
  static const uint64_t costs[] = {COST_SIGN, COST_VERIFY, COST_AGREE};
  xsIntegerValue kind = xsmcToInteger(xsArg(0));
  if (kind < 0 || kind >= (xsIntegerValue)(sizeof costs / sizeof *costs)) xsRangeError("no kind");
  clock_charge(costs[kind]);
}

/* indicator(pattern) */
static void native_indicator(xsMachine *the)
{
  output_indicator(xsmcToString(xsArg(0)));
}

const struct native net_natives[] = {
  {"chargeSignature", native_charge_signature, 1},
  {"indicator", native_indicator, 1},
  {"udpAddress", native_address, 0},
  {"udpJoin", native_join, 1},
  {"udpLeave", native_leave, 1},
  {"udpSend", native_send, 4},
  {0},
};
