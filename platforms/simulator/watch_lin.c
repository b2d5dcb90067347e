/*
 * GLib sources on the main context of the thread that runs the machine: mcsim gives each app a
 * thread of its own. The SDK's own sockets are polled every 20 ms there; here a datagram wakes it.
 */
#include <glib-unix.h>

#include "../native/udp6.h"
#include "posix.h"

/* The sockets, and the timer of a retry. */
static GSource *sources[UDP6_SOCKETS_MAX + 1];
static unsigned count;

static void keep(GSource *source)
{
  g_source_attach(source, g_main_context_get_thread_default());
  sources[count++] = source;
}

static gboolean readable(gint socket, GIOCondition condition, gpointer unused)
{
  (void)condition;
  (void)unused;
  posix_readable(socket);
  return G_SOURCE_CONTINUE;
}

void os_watch(int socket)
{
  GSource *source = g_unix_fd_source_new(socket, G_IO_IN);
  g_source_set_callback(source, (GSourceFunc)(void (*)(void))readable, NULL, NULL);
  keep(source);
}

static gboolean wake(gpointer unused)
{
  (void)unused;
  g_source_unref(sources[--count]); /* while it is tried again there is nothing else */
  posix_retry();
  return G_SOURCE_REMOVE;
}

void os_wake(unsigned seconds)
{
  GSource *source = g_timeout_source_new_seconds(seconds);
  g_source_set_callback(source, wake, NULL, NULL);
  keep(source);
}

void os_unwatch(void)
{
  while (count > 0) {
    g_source_destroy(sources[--count]);
    g_source_unref(sources[count]);
  }
}
