/*
 * GLib sources on the main context of the thread that runs the machine: mcsim gives each app a
 * thread of its own. The SDK's own sockets are polled every 20 ms there; here a datagram wakes it.
 */
#include <glib-unix.h>

#include "posix.h"

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
  g_source_attach(source, g_main_context_get_thread_default());
  g_source_unref(source);
}

static gboolean wake(gpointer unused)
{
  (void)unused;
  posix_retry();
  return G_SOURCE_REMOVE;
}

void os_wake(unsigned seconds)
{
  GSource *source = g_timeout_source_new_seconds(seconds);
  g_source_set_callback(source, wake, NULL, NULL);
  g_source_attach(source, g_main_context_get_thread_default());
  g_source_unref(source);
}
