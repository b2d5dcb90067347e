/*
 * The files of a headless device: byte code, provisioning and flash. The flash file is mapped into
 * memory so that what was programmed survives however the process ends; it holds the partition's
 * bytes and behind them one bit a program unit: programmed since its erase. A file of just the
 * partition's size is taken as it is and the bits are derived.
 */
#include "xsAll.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../native/nor.h"
#include "device.h"
#include "flash.h"
#include "host.h"
#include "image.h"
#include "linux.h"

enum { PROVISION_MAX_BYTES = 65536, IMAGE_MAX_BYTES = 64 << 20 };

static uint8_t *mapping;
static size_t mapping_size;

/* The whole file, one byte more than `max` at most; NULL, with errno, when it cannot be read. */
static uint8_t *read_file(const char *path, size_t max, size_t *size)
{
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = NULL;
  size_t room = 0;
  bool good = file != NULL;
  *size = 0;
  while (good && *size == room && room <= max) {
    uint8_t *grown = realloc(bytes, room = room ? room * 2 : 65536);
    good = grown != NULL;
    if (!good) break;
    bytes = grown;
    *size += fread(bytes + *size, 1, room - *size, file);
    good = !ferror(file);
  }
  if (file) fclose(file);
  if (good) return bytes;
  free(bytes);
  return NULL;
}

uint8_t *image_bytes(const char *path, size_t *size)
{
  uint8_t *file = read_file(path, IMAGE_MAX_BYTES, size);
  if (!file) die(EXIT_BAD_DATA, "cannot read %s: %s", path, strerror(errno));
  return file;
}

bool image_read(const char *path)
{
  size_t size;
  uint8_t *file = read_file(path, IMAGE_MAX_BYTES, &size); /* kept: byte code runs in place */
  const char *problem;
  if (!file) {
    fprintf(stderr, "lumicast: cannot read %s: %s\n", path, strerror(errno));
    return false;
  }
  problem = image_take(path, file, size);
  if (problem) fprintf(stderr, "lumicast: %s %s\n", path, problem);
  return !problem;
}

int image_write(const char *path, const void *code, uint32_t code_size, const void *symbols,
    uint32_t symbols_size)
{
  struct image_head head = {IMAGE_MAGIC, IMAGE_FORMAT, sizeof(txID), code_size, symbols_size,
    image_checksum(code, code_size, symbols, symbols_size)};
  FILE *file = fopen(path, "wb");
  bool written;
  written = file && fwrite(&head, sizeof head, 1, file) == 1 &&
            fwrite(code, 1, code_size, file) == code_size &&
            fwrite(symbols, 1, symbols_size, file) == symbols_size;
  if (file && fclose(file)) written = false;
  if (written) return 0;
  fprintf(stderr, "lumicast: cannot write %s: %s\n", path, strerror(errno));
  return EXIT_BAD_DATA;
}

void provision_read(const char *path)
{
  size_t size;
  uint8_t *bytes = read_file(path, PROVISION_MAX_BYTES, &size);
  if (!bytes)
    die(EXIT_BAD_DATA, "cannot read the provisioning file %s: %s", path, strerror(errno));
  if (size >= PROVISION_MAX_BYTES)
    die(EXIT_BAD_DATA, "the provisioning file %s is longer than 65535 bytes", path);
  device_provision(bytes, size);
}

static int open_flash(const char *path, size_t *found)
{
  struct stat status;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || fstat(file, &status))
    die(EXIT_BAD_DATA, "cannot open the flash file %s: %s", path, strerror(errno));
  *found = (size_t)status.st_size;
  return file;
}

void flash_open(const char *path, uint32_t size, uint32_t unit)
{
  size_t found = 0;
  int file = -1;
  mapping_size = size + nor_map_bytes(size, unit);
  if (path) {
    file = open_flash(path, &found);
    if (found != 0 && found != size && found != mapping_size)
      die(EXIT_BAD_DATA, "the flash file %s has %zu bytes; with --flash-size %lu --program %lu it "
          "has %lu or %zu: give the options it was made with, or remove it", path, found,
          (unsigned long)size, (unsigned long)unit, (unsigned long)size, mapping_size);
    if (ftruncate(file, (off_t)mapping_size))
      die(EXIT_BAD_DATA, "cannot size the flash file %s: %s", path, strerror(errno));
  }
  mapping = mmap(NULL, mapping_size, PROT_READ | PROT_WRITE,
      path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file, 0);
  if (mapping == MAP_FAILED) die(EXIT_BAD_DATA, "cannot map the flash: %s", strerror(errno));
  if (path) close(file);
  flash_start(mapping, size, unit,
      found == 0 ? FLASH_ABSENT : found == size ? FLASH_BARE : FLASH_WITH_MAP);
}

void flash_flush(void)
{
  if (mapping) msync(mapping, mapping_size, MS_SYNC);
}
