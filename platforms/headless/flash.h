/* natives_flash.c: the flash partition. */
#ifndef LUMICAST_FLASH_H
#define LUMICAST_FLASH_H

#include <stdbool.h>
#include <stdint.h>

/* OP:MODE:SEED; call before flash_open. */
bool flash_fault(const char *text);
/* `path` NULL: in memory. Ends the process with a clear line when the file does not fit. */
void flash_open(const char *path, uint32_t size, uint32_t unit);
void flash_flush(void);

#endif
