/* partition.c over the model of NOR flash, plain and behind an encryption like the ESP's. */
#include <string.h>

#include "../../platforms/native/nor.h"
#include "../../platforms/native/partition.h"
#include "unit.h"

enum { BYTES = 2 * NOR_SECTOR_BYTES };

static uint8_t cells[BYTES], used[BYTES / 4 / 8];
static struct nor nor;
static bool refuses;   /* the chip says no */
static bool forgets;   /* the chip says yes and does nothing */
static unsigned programs;

/* Reversible and different for every byte of the chip: noise for whoever reads erased cells. */
static uint8_t pad(uint32_t offset)
{
  return (uint8_t)(offset * 0x9E3779B1u >> 13) ^ 0x3C;
}

static bool read_plain(const void *chip, uint32_t offset, void *into, size_t size)
{
  (void)chip;
  if (refuses) return false;
  memcpy(into, cells + offset, size);
  return true;
}

static bool read_decrypted(const void *chip, uint32_t offset, void *into, size_t size)
{
  uint8_t *bytes = into;
  if (!read_plain(chip, offset, into, size)) return false;
  for (size_t i = 0; i < size; i++) bytes[i] ^= pad(offset + (uint32_t)i);
  return true;
}

static bool program_plain(const void *chip, uint32_t offset, const void *bytes, size_t size)
{
  (void)chip;
  programs++;
  if (forgets) return true;
  return nor_program(&nor, offset, bytes, (uint32_t)size) == NOR_OK;
}

static bool program_encrypted(const void *chip, uint32_t offset, const void *bytes,
    size_t size)
{
  uint8_t sealed[64];
  memcpy(sealed, bytes, size);
  for (size_t i = 0; i < size; i++) sealed[i] ^= pad(offset + (uint32_t)i);
  return program_plain(chip, offset, sealed, size);
}

static bool erase(const void *chip, uint32_t offset)
{
  (void)chip;
  return !refuses && nor_erase(&nor, offset) == NOR_OK;
}

static const struct partition clear = {
  BYTES, 4, NULL, read_plain, NULL, program_plain, erase,
};
static const struct partition sealed = {
  BYTES, 16, NULL, read_decrypted, read_plain, program_encrypted, erase,
};

static void start(const struct partition *partition)
{
  memset(cells, 0xFF, sizeof cells);
  memset(&nor, 0, sizeof nor);
  nor.bytes = cells;
  nor.used = used;
  nor.size = BYTES;
  nor.unit = partition->unit;
  nor_derive_map(&nor);
  refuses = forgets = false;
  programs = 0;
}

static void writes_and_reads(const struct partition *p)
{
  uint8_t data[48], back[48], blank[48];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)unit_chance();
  memset(blank, 0xFF, sizeof blank);
  start(p);
  CHECK(partition_read(p, 5, back, 41) && !memcmp(back, blank, 41));
  CHECK(partition_program(p, 32, data, 48));
  CHECK(partition_read(p, 32, back, 48) && !memcmp(back, data, 48));
  CHECK(partition_read(p, 33, back, 7) && !memcmp(back, data + 1, 7));
  CHECK(partition_read(p, 77, back, 6)); /* the end of what is written, the start of blank */
  CHECK(!memcmp(back, data + 45, 3) && !memcmp(back + 3, blank, 3));
  CHECK(partition_program(p, 96, blank, 16)); /* all 0xFF is content as any other */
  CHECK(partition_read(p, 96, back, 16) && !memcmp(back, blank, 16));
  CHECK(partition_program(p, BYTES - 16, data, 16) && partition_program(p, 0, data, 0));
  CHECK(partition_erase(p, 0) && partition_read(p, 32, back, 48) && !memcmp(back, blank, 48));
  CHECK(partition_program(p, 32, data, 16));
}

static void refuses_misuse(const struct partition *p)
{
  uint8_t data[48] = {1}, other[16] = {2}, back[48];
  start(p);
  CHECK(partition_program(p, 16, data, 16));
  programs = 0;
  CHECK(!partition_program(p, 16, other, 16));   /* once per erase */
  CHECK(!partition_program(p, 0, data, 32));     /* runs into what is written */
  CHECK(!partition_program(p, p->unit / 2, data, 16) && !partition_program(p, 64, data, 15));
  CHECK(!partition_program(p, BYTES, data, 16) && !partition_program(p, 0xFFFFFFF0u, data, 32));
  CHECK(programs == 0 && partition_read(p, 16, back, 16) && !memcmp(back, data, 16));
  CHECK(!partition_read(p, BYTES - 4, back, 8) && !partition_read(p, 0xFFFFFFFFu, back, 4));
  CHECK(!partition_erase(p, 16) && !partition_erase(p, BYTES));
}

static void tells_failure(const struct partition *p)
{
  uint8_t data[16] = {9}, back[16];
  start(p);
  forgets = true;
  CHECK(!partition_program(p, 0, data, 16)); /* reads back otherwise */
  forgets = false;
  refuses = true;
  CHECK(!partition_program(p, 16, data, 16) && !partition_read(p, 0, back, 16));
  CHECK(!partition_erase(p, 0));
  refuses = false;
  CHECK(nor_add_fault(&nor, "1:torn:5"));
  CHECK(!partition_program(p, 32, data, 16));
}

static void plain(void)
{
  writes_and_reads(&clear);
  refuses_misuse(&clear);
  tells_failure(&clear);
}

static void encrypted(void)
{
  uint8_t blank[16];
  memset(blank, 0xFF, sizeof blank);
  writes_and_reads(&sealed);
  start(&sealed);
  CHECK(partition_program(&sealed, 0, blank, 16));
  CHECK(memcmp(cells, blank, 16)); /* it is encrypted, or the rest says nothing */
  refuses_misuse(&sealed);
  tells_failure(&sealed);
}

static void geometry(void)
{
  CHECK(partition_fault(131072, 4096, 131072) == NULL);
  CHECK(partition_fault(65536, 4096, 131072) != NULL);
  CHECK(partition_fault(131072 + 512, 4096, 131072) != NULL);
  CHECK(partition_fault(131072, 65536, 131072) != NULL && partition_fault(131072, 0, 0) != NULL);
}

void flash_tests(void)
{
  unit_test("partition: units once per erase, read back, blank reads 0xFF", plain);
  unit_test("partition: the same behind flash encryption", encrypted);
  unit_test("partition: a geometry that does not fit is named", geometry);
}
