/* Clock, chance, files and network on Linux and macOS; each has its own way to wait. */
#ifndef LUMICAST_SIMULATOR_POSIX_H
#define LUMICAST_SIMULATOR_POSIX_H

/* On the machine's thread, posix_readable is called whenever something waits at `socket`. */
void os_watch(int socket);
/* On the machine's thread, posix_retry is called once, `seconds` from now. */
void os_wake(unsigned seconds);
/* Nothing is called any more: the code is about to be unloaded. */
void os_unwatch(void);

void posix_readable(int socket);
void posix_retry(void);

#endif
