#include "instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../native/board.h"
#include "../native/nor.h"
#include "os.h"

enum { FLASH_BYTES = 256 * 1024, PROGRAM_BYTES = 4, PATH_BYTES = 1024, EXIT_FATAL = 70 };
enum { MAP_BYTES = FLASH_BYTES / PROGRAM_BYTES / 8, FILE_BYTES = FLASH_BYTES + MAP_BYTES };

static uint8_t image[FILE_BYTES]; /* what the flash file holds */
static struct nor nor = {
  .bytes = image, .used = image + FLASH_BYTES, .size = FLASH_BYTES, .unit = PROGRAM_BYTES,
};
static FILE *file;
static char wrong[PATH_BYTES + 160];

/* The folder, made when missing; false when there is none, with the reason in `wrong`. */
static bool folder_of(char *path, size_t size)
{
  const char *named = getenv("LUMICAST_INSTANCE");
  const char *state = os_state_folder();
  if (named && *named) snprintf(path, size, "%s", named);
  else if (state) snprintf(path, size, "%s/lumicast", state);
  else snprintf(wrong, sizeof wrong, "no folder for this device: set LUMICAST_INSTANCE to one");
  if (!(named && *named) && !state) return false;
  if (os_make_folder(path)) return true;
  snprintf(wrong, sizeof wrong, "cannot make the folder %s: %s", path, strerror(errno));
  return false;
}

static bool path_of(char *path, size_t size, const char *name)
{
  size_t length;
  if (!folder_of(path, size)) return false;
  length = strlen(path);
  return (size_t)snprintf(path + length, size - length, "/%s", name) < size - length;
}

/* Writes part of the image to the file. */
static bool keep(uint32_t offset, uint32_t size)
{
  return fseek(file, (long)offset, SEEK_SET) == 0 &&
      fwrite(image + offset, 1, size, file) == size && fflush(file) == 0;
}

static bool keep_with_map(uint32_t offset, uint32_t size)
{
  uint32_t first = offset / PROGRAM_BYTES / 8;
  uint32_t last = (offset + size - 1) / PROGRAM_BYTES / 8;
  return keep(FLASH_BYTES + first, last - first + 1) && keep(offset, size);
}

/* mcsim unloads the app to load it anew, in the same process; the file must be free by then. */
static void let_go(void)
{
  if (file) fclose(file);
  file = NULL;
}

const char *board_flash_open(struct board_flash *geometry)
{
  char path[PATH_BYTES];
  size_t found;
  *geometry = (struct board_flash){FLASH_BYTES, NOR_SECTOR_BYTES, PROGRAM_BYTES};
  if (file) return NULL;
  if (!path_of(path, sizeof path, "flash")) return wrong;
  file = os_open_alone(path);
  if (!file) {
    snprintf(wrong, sizeof wrong, "cannot open %s: %s; does another simulator run on this folder? "
        "each needs its own, in LUMICAST_INSTANCE", path, strerror(errno));
    return wrong;
  }
  atexit(let_go);
  found = fread(image, 1, sizeof image, file);
  if (found == FILE_BYTES) return NULL;
  if (found == 0) {
    memset(image, 0xFF, FLASH_BYTES);
    if (keep(0, FILE_BYTES)) return NULL;
  }
  let_go();
  snprintf(wrong, sizeof wrong, "%s has %zu bytes, not %d: no flash of a simulator; remove it",
      path, found, (int)FILE_BYTES);
  return wrong;
}

bool board_flash_read(uint32_t offset, void *into, size_t size)
{
  if (offset > FLASH_BYTES || size > FLASH_BYTES - offset) return false;
  memcpy(into, image + offset, size);
  return true;
}

bool board_flash_program(uint32_t offset, const void *bytes, size_t size)
{
  if (nor_program(&nor, offset, bytes, (uint32_t)size) != NOR_OK) return false;
  return size == 0 || keep_with_map(offset, (uint32_t)size);
}

bool board_flash_erase(uint32_t offset)
{
  return nor_erase(&nor, offset) == NOR_OK && keep_with_map(offset, NOR_SECTOR_BYTES);
}

size_t instance_provisioning(unsigned char into[INSTANCE_PROVISIONING_MAX])
{
  char path[PATH_BYTES];
  size_t size;
  FILE *source = path_of(path, sizeof path, "provisioning.cbor") ? fopen(path, "rb") : NULL;
  if (!source) return 0;
  size = fread(into, 1, INSTANCE_PROVISIONING_MAX, source);
  fclose(source);
  return size;
}

void instance_tell(const char *key, const char *text)
{
  printf("{\"at\":%llu,\"%s\":\"", (unsigned long long)board_micros(), key);
  for (const char *p = text; *p; p++) {
    if (*p == '"' || *p == '\\') putchar('\\');
    putchar((unsigned char)*p < ' ' ? ' ' : *p);
  }
  puts("\"}");
  fflush(stdout);
}

/* A lamp of light: fades are lines too. */
void board_light(unsigned level, unsigned mired, int x, int y)
{
  printf("{\"at\":%llu,\"light\":{\"level\":%u,\"mired\":%u", (unsigned long long)board_micros(),
      level, mired);
  if (x >= 0) printf(",\"x\":%d,\"y\":%d", x, y);
  puts("}}");
  fflush(stdout);
}

bool board_light_failed(void)
{
  return false;
}

const char *board_pin(const char *name, unsigned pin)
{
  (void)name;
  (void)pin;
  return "the simulator has no pins; leave them out of this build";
}

/* No factory made this one: what provisioning says is all there is. */
void board_eui64(uint8_t eui64[8])
{
  memset(eui64, 0, 8);
}

_Noreturn void board_restart(const char *reason)
{
  char path[PATH_BYTES];
  FILE *kept = path_of(path, sizeof path, "restart") ? fopen(path, "wb") : NULL;
  if (kept) {
    fputs(reason, kept);
    fclose(kept);
  }
  instance_tell("fatal", reason);
  exit(EXIT_FATAL);
}

const char *board_restart_reason(void)
{
  static char reason[256];
  char path[PATH_BYTES];
  FILE *kept = path_of(path, sizeof path, "restart") ? fopen(path, "rb") : NULL;
  size_t size = kept ? fread(reason, 1, sizeof reason - 1, kept) : 0;
  if (kept) {
    fclose(kept);
    remove(path);
  }
  reason[size] = 0;
  return size > 0 ? reason : NULL;
}
