#ifndef STUB_OT_INSTANCE_H
#define STUB_OT_INSTANCE_H
#include <stdbool.h>
#include <stdint.h>
typedef struct otInstance otInstance;
typedef enum { OT_ERROR_NONE = 0, OT_ERROR_ALREADY = 24 } otError;
typedef uint32_t otChangedFlags;
enum { OT_CHANGED_THREAD_ROLE = 1U << 2 };
typedef void (*otStateChangedCallback)(otChangedFlags flags, void *context);
otError otSetStateChangedCallback(otInstance *instance, otStateChangedCallback callback,
    void *context);
#endif
