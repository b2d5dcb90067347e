/*
 * One simulated device: a folder with what it keeps.
 *
 *   provisioning.cbor   its part of the installation; only read
 *   flash               the partition, and a bit for each program unit that was programmed since
 *                       its erase (platforms/native/nor.h)
 *   restart             why it restarted last; removed once read
 *
 * $LUMICAST_INSTANCE names it; without, `lumicast` in the person's state folder. What is written
 * survives the end of the process, but is not forced to the disk: this is for the desk.
 */
#ifndef LUMICAST_SIMULATOR_INSTANCE_H
#define LUMICAST_SIMULATOR_INSTANCE_H

#include <stddef.h>

enum { INSTANCE_PROVISIONING_MAX = 65536 };

/* The size of the provisioning, 0 when there is none. */
size_t instance_provisioning(unsigned char into[INSTANCE_PROVISIONING_MAX]);

/* One line on standard output: {"at":micros,"key":"text"}. */
void instance_tell(const char *key, const char *text);

#endif
