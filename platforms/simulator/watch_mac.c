/* Run loop sources on the run loop of the thread that runs the machine. */
#include <CoreFoundation/CoreFoundation.h>

#include "posix.h"

static void readable(CFSocketRef reference, CFSocketCallBackType type, CFDataRef address,
    const void *data, void *info)
{
  (void)type;
  (void)address;
  (void)data;
  (void)info;
  posix_readable(CFSocketGetNative(reference));
}

void os_watch(int socket)
{
  CFSocketRef reference =
      CFSocketCreateWithNative(NULL, socket, kCFSocketReadCallBack, readable, NULL);
  CFRunLoopSourceRef source = CFSocketCreateRunLoopSource(NULL, reference, 0);
  CFRunLoopAddSource(CFRunLoopGetCurrent(), source, kCFRunLoopCommonModes);
  CFRelease(source);
  CFRelease(reference);
}

static void wake(CFRunLoopTimerRef timer, void *info)
{
  (void)timer;
  (void)info;
  posix_retry();
}

void os_wake(unsigned seconds)
{
  CFAbsoluteTime due = CFAbsoluteTimeGetCurrent() + seconds;
  CFRunLoopTimerRef timer = CFRunLoopTimerCreate(NULL, due, 0, 0, 0, wake, NULL);
  CFRunLoopAddTimer(CFRunLoopGetCurrent(), timer, kCFRunLoopCommonModes);
  CFRelease(timer);
}
