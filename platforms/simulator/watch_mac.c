/* Run loop sources on the run loop of the thread that runs the machine. */
#include <CoreFoundation/CoreFoundation.h>

#include "../native/udp6.h"
#include "posix.h"

static CFSocketRef sockets[UDP6_SOCKETS_MAX];
static unsigned count;
static CFRunLoopTimerRef timer;

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
  /* Only told of: udp6.c closes it. */
  CFSocketSetSocketFlags(reference, kCFSocketAutomaticallyReenableReadCallBack);
  CFRunLoopAddSource(CFRunLoopGetCurrent(), source, kCFRunLoopCommonModes);
  CFRelease(source);
  sockets[count++] = reference;
}

static void wake(CFRunLoopTimerRef fired, void *info)
{
  (void)info;
  timer = NULL;
  CFRelease(fired);
  posix_retry();
}

void os_wake(unsigned seconds)
{
  CFAbsoluteTime due = CFAbsoluteTimeGetCurrent() + seconds;
  timer = CFRunLoopTimerCreate(NULL, due, 0, 0, 0, wake, NULL);
  CFRunLoopAddTimer(CFRunLoopGetCurrent(), timer, kCFRunLoopCommonModes);
}

void os_unwatch(void)
{
  if (timer) CFRunLoopTimerInvalidate(timer);
  timer = NULL;
  while (count > 0) {
    CFSocketInvalidate(sockets[--count]);
    CFRelease(sockets[count]);
  }
}
