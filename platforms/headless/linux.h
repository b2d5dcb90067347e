/* What the parts of the headless host that know Linux ask of each other. */
#ifndef LUMICAST_LINUX_H
#define LUMICAST_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* files.c */
bool image_read(const char *path); /* prints why not */
int image_write(const char *path, const void *code, uint32_t code_size, const void *symbols,
    uint32_t symbols_size);
/* Reads the provisioning file, or ends the process with a clear line. */
void provision_read(const char *path);
/* `path` NULL: in memory. Ends the process with a clear line when the file does not fit. */
void flash_open(const char *path, uint32_t size, uint32_t unit);

/* compile.c; exit code */
int compile(const char *in, const char *out);

/* control.c: connects, or ends the process with a clear line. */
void control_connect(const char *path);

/* alone.c */
void run_alone(void *machine);

#endif
