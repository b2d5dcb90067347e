/* The datagram port's natives, and delivery to its onDatagram. */
#include "natives.h"

#include "../native/board.h"

enum { PORTS_MAX = 7 };

static struct {
  xsMachine *the;
  xsSlot port;
} net;

/* open(port, ...ports) -> undefined, or what is wrong; `port` is the object that has onDatagram */
void xs_lumicast_net_open(xsMachine *the)
{
  uint16_t ports[PORTS_MAX];
  unsigned count = (unsigned)xsmcArgc - 1;
  const char *wrong;
  if (count > PORTS_MAX) xsRangeError("net: more than %d ports", (int)PORTS_MAX);
  for (unsigned i = 0; i < count; i++)
    ports[i] = (uint16_t)lumicast_whole(the, &xsArg(i + 1), 65535, "net: port");
  net.port = xsArg(0);
  xsRemember(net.port);
  net.the = the;
  wrong = board_net_open(ports, count);
  lumicast_tell(the, wrong);
}

void xs_lumicast_net_address(xsMachine *the)
{
  uint8_t address[BOARD_ADDRESS_BYTES];
  board_net_address(address);
  lumicast_set_bytes(the, &xsResult, address, sizeof address);
}

static const uint8_t *address_of(xsMachine *the, xsSlot *slot)
{
  struct bytes address = lumicast_bytes(the, slot);
  if (address.size != BOARD_ADDRESS_BYTES) xsRangeError("net: only IPv6 addresses, of 16 bytes");
  return address.data;
}

void xs_lumicast_net_join(xsMachine *the)
{
  xsmcSetBoolean(xsResult, board_net_join(address_of(the, &xsArg(0))));
}

void xs_lumicast_net_leave(xsMachine *the)
{
  board_net_leave(address_of(the, &xsArg(0)));
}

/* send(address, port, fromPort, bytes) -> boolean */
void xs_lumicast_net_send(xsMachine *the)
{
  uint16_t port = (uint16_t)lumicast_whole(the, &xsArg(1), 65535, "net: port");
  uint16_t from_port = (uint16_t)lumicast_whole(the, &xsArg(2), 65535, "net: fromPort");
  const uint8_t *to = address_of(the, &xsArg(0));
  struct bytes bytes = lumicast_bytes(the, &xsArg(3));
  xsmcSetBoolean(xsResult, board_net_send(to, port, from_port, bytes.data, bytes.size));
}

/* xsVar(1) becomes { address, port } */
static void make_endpoint(xsMachine *the, const uint8_t *address, uint16_t port)
{
  xsmcSetNewObject(xsVar(1));
  lumicast_set_bytes(the, &xsVar(2), address, BOARD_ADDRESS_BYTES);
  xsmcSet(xsVar(1), xsID_address, xsVar(2));
  xsmcSetInteger(xsVar(2), port);
  xsmcSet(xsVar(1), xsID_port, xsVar(2));
}

static void deliver(xsMachine *the, const struct board_datagram *datagram)
{
  xsmcVars(4);
  xsVar(3) = xsAccess(net.port);
  xsmcSetNewObject(xsVar(0));
  make_endpoint(the, datagram->from, datagram->from_port);
  xsmcSet(xsVar(0), xsID_from, xsVar(1));
  make_endpoint(the, datagram->to, datagram->to_port);
  xsmcSet(xsVar(0), xsID_to, xsVar(1));
  lumicast_set_bytes(the, &xsVar(1), datagram->bytes, datagram->size);
  xsmcSet(xsVar(0), xsID_bytes, xsVar(1));
  xsmcSetNumber(xsVar(1), (double)datagram->micros);
  xsmcSet(xsVar(0), xsID_atMicros, xsVar(1));
  xsmcGet(xsVar(1), xsVar(3), xsID_onDatagram);
  if (xsmcTest(xsVar(1))) xsCallFunction1(xsVar(1), xsVar(3), xsVar(0));
}

void board_event_datagram(const struct board_datagram *datagram)
{
  if (!net.the) return;
  xsBeginHost(net.the);
  xsTry {
    deliver(the, datagram);
  }
  xsCatch {
    lumicast_uncaught(the);
  }
  xsEndHost(net.the);
}
