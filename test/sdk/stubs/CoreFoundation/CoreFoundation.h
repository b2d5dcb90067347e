/* What watch_mac.c uses of macOS's CoreFoundation, as Apple's headers declare it. */
#ifndef STUB_CORE_FOUNDATION_H
#define STUB_CORE_FOUNDATION_H

#include <stdint.h>

typedef const void *CFTypeRef;
typedef const struct __CFAllocator *CFAllocatorRef;
typedef const struct __CFData *CFDataRef;
typedef const struct __CFString *CFStringRef;
typedef struct __CFSocket *CFSocketRef;
typedef struct __CFRunLoop *CFRunLoopRef;
typedef struct __CFRunLoopSource *CFRunLoopSourceRef;
typedef struct __CFRunLoopTimer *CFRunLoopTimerRef;
typedef int CFSocketNativeHandle;
typedef unsigned long CFOptionFlags;
typedef signed long CFIndex;
typedef double CFTimeInterval;
typedef CFTimeInterval CFAbsoluteTime;
typedef CFOptionFlags CFSocketCallBackType;
typedef struct CFSocketContext CFSocketContext;
typedef struct CFRunLoopTimerContext CFRunLoopTimerContext;
typedef void (*CFSocketCallBack)(CFSocketRef s, CFSocketCallBackType type, CFDataRef address,
    const void *data, void *info);
typedef void (*CFRunLoopTimerCallBack)(CFRunLoopTimerRef timer, void *info);

enum { kCFSocketReadCallBack = 1, kCFSocketAutomaticallyReenableReadCallBack = 1 };
extern const CFStringRef kCFRunLoopCommonModes;

CFSocketRef CFSocketCreateWithNative(CFAllocatorRef allocator, CFSocketNativeHandle sock,
    CFOptionFlags callBackTypes, CFSocketCallBack callout, const CFSocketContext *context);
CFRunLoopSourceRef CFSocketCreateRunLoopSource(CFAllocatorRef allocator, CFSocketRef s,
    CFIndex order);
CFSocketNativeHandle CFSocketGetNative(CFSocketRef s);
void CFSocketSetSocketFlags(CFSocketRef s, CFOptionFlags flags);
void CFSocketInvalidate(CFSocketRef s);
CFRunLoopRef CFRunLoopGetCurrent(void);
void CFRunLoopAddSource(CFRunLoopRef rl, CFRunLoopSourceRef source, CFStringRef mode);
void CFRunLoopAddTimer(CFRunLoopRef rl, CFRunLoopTimerRef timer, CFStringRef mode);
CFRunLoopTimerRef CFRunLoopTimerCreate(CFAllocatorRef allocator, CFAbsoluteTime fireDate,
    CFTimeInterval interval, CFOptionFlags flags, CFIndex order, CFRunLoopTimerCallBack callout,
    CFRunLoopTimerContext *context);
void CFRunLoopTimerInvalidate(CFRunLoopTimerRef timer);
CFAbsoluteTime CFAbsoluteTimeGetCurrent(void);
void CFRelease(CFTypeRef cf);

#endif
