/* What the parts of the headless host that know Linux ask of each other. */
#ifndef LUMICAST_LINUX_H
#define LUMICAST_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* files.c */
bool image_read(const char *path); /* prints why not */
/* Its bytes, not looked at; ends the process when they cannot be read. */
uint8_t *image_bytes(const char *path, size_t *size);
int image_write(const char *path, const void *code, uint32_t code_size, const void *symbols,
    uint32_t symbols_size);
/* Reads the provisioning file, or ends the process with a clear line. */
void provision_read(const char *path);
/* `path` NULL: in memory. Ends the process with a clear line when the file does not fit. */
void flash_open(const char *path, uint32_t size, uint32_t unit);

/* slots_file.c: takes the image of the slot that is to be started, see there. */
void slots_start(const char *path, uint32_t slot_size, const uint8_t *image, size_t image_size);
/* OP:MODE:SEED; call before slots_start. */
bool slots_fault(const char *text);

/* main.c: starts this program anew; on the medium it ends and says so. */
_Noreturn void host_restart(const char *why);

/* compile.c; exit code */
int compile(const char *in, const char *out);

/* control.c: connects, or ends the process with a clear line. */
void control_connect(const char *path);

/* alone.c */
void run_alone(void *machine);

#endif
