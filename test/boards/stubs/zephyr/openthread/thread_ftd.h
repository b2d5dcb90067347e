#ifndef STUB_OT_THREAD_FTD_H
#define STUB_OT_THREAD_FTD_H
#include <openthread/instance.h>
otError otThreadSetRouterEligible(otInstance *instance, bool eligible);
#endif
