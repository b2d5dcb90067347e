#ifndef STUB_XS_H
#define STUB_XS_H
typedef struct xsMachineRecord xsMachine;
#define __XS__ 1
#endif
