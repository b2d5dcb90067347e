#ifndef STUB_DEVICETREE_H
#define STUB_DEVICETREE_H
/* The nodes that the board asks for, by their aliases. */
enum {
  STUB_NODE_watchdog0,
  STUB_NODE_lumicast_cold,
  STUB_NODE_lumicast_warm,
  STUB_NODE_lumicast_status,
  STUB_NODE_lumicast_button,
  STUB_NODES,
};
#define DT_ALIAS(name) STUB_NODE_##name
#define DT_NODE_EXISTS(node) ((node) < STUB_NODES)
#endif
