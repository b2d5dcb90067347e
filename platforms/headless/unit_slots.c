/* make unit: two slots, cut at every operation. */
#include <stdio.h>
#include <string.h>

#include "../native/slots.h"
#include "unit.h"

enum { SLOT = 8192, SIZE = SLOTS_RECORD_BYTES + 2 * SLOT, UNITS = SIZE / 16 };

static uint8_t memory[SIZE], used[(UNITS + 7) / 8];
static struct nor nor;
static struct slots slots;

static void power_on(void)
{
  nor.fault_count = 0;
  nor.operations = 0;
}

static void erased(void)
{
  nor = (struct nor){.bytes = memory, .used = used, .size = SIZE, .unit = 16};
  memset(memory, 0xFF, sizeof memory);
  memset(used, 0, sizeof used);
}

static void image_of(uint8_t fill, uint8_t *image, uint8_t digest[SHA256_BYTES])
{
  struct sha256 hash;
  memset(image, fill, 5000);
  sha256_start(&hash);
  sha256_add(&hash, image, 5000);
  sha256_finish(&hash, digest);
}

static void write_other(uint8_t fill, uint8_t digest[SHA256_BYTES])
{
  uint8_t image[5008];
  uint32_t start = slots_offset(&slots, 1 - slots.entry.active);
  image_of(fill, image, digest);
  memset(image + 5000, 0xFF, 8);
  for (uint32_t at = 0; at < SLOT; at += NOR_SECTOR_BYTES) nor_erase(&nor, start + at);
  CHECK(nor_program(&nor, start, image, sizeof image) == NOR_OK);
}

/* Slot A holds 0xAA, slot B 0xBB, and B is to be tried. */
static void made(void)
{
  uint8_t image[5000], digest[SHA256_BYTES];
  int slot;
  erased();
  image_of(0xAA, image, digest);
  CHECK(!slots_open(&slots, &nor, SLOT));
  CHECK(slots_fill(&slots, image, sizeof image) == NOR_OK);
  CHECK(slots_choose(&slots, &slot) == NOR_OK && slot == 0);
  write_other(0xBB, digest);
  CHECK(slots_activate(&slots, 5000, digest) == NOR_OK);
}

/* Opens as a start does; which slot, or -1. */
static int start(void)
{
  int slot;
  if (!slots_open(&slots, &nor, SLOT)) return -1;
  return slots_choose(&slots, &slot) == NOR_OK ? slot : -1;
}

static void trial(void)
{
  made();
  CHECK(start() == 1 && slots.entry.trial == TRIAL_NOW);
  CHECK(start() == 0 && slots.entry.trial == TRIAL_NONE);
  CHECK(start() == 0);
  made();
  CHECK(start() == 1 && slots_confirm(&slots) == NOR_OK);
  CHECK(start() == 1 && start() == 1 && slots.entry.trial == TRIAL_NONE);
}

static void damage(void)
{
  uint8_t digest[SHA256_BYTES];
  made();
  memory[slots_offset(&slots, 1) + 4999] ^= 1;
  CHECK(start() == 0);
  made();
  CHECK(start() == 1 && slots_confirm(&slots) == NOR_OK);
  memory[slots_offset(&slots, 1)] ^= 1;
  CHECK(start() == 0);
  memory[slots_offset(&slots, 0)] ^= 1;
  CHECK(start() == -1);
  made();
  image_of(0xCC, (uint8_t[5000]){0}, digest);
  CHECK(slots_activate(&slots, 5000, digest) == NOR_REFUSED);
  CHECK(slots_activate(&slots, SLOT + 1, digest) == NOR_REFUSED);
}

/* Round and round the two sectors of entries, each start with another cut. */
static void cuts(void)
{
  static const char *const modes[] = {"not", "torn", "done"};
  uint8_t digest[SHA256_BYTES];
  made();
  CHECK(start() == 1 && slots_confirm(&slots) == NOR_OK);
  for (unsigned round = 0; round < 600; round++) {
    int before = start(), after;
    char fault[32];
    CHECK(before >= 0 && slots.entry.trial == TRIAL_NONE);
    write_other((uint8_t)round, digest);
    power_on();
    snprintf(fault, sizeof fault, "%u:%s:%u", 1 + round % 4, modes[round % 3], round);
    nor_add_fault(&nor, fault);
    if (slots_activate(&slots, 5000, digest) == NOR_OK && start() == 1 - before)
      slots_confirm(&slots);
    power_on();
    after = start();
    CHECK(after == before || after == 1 - before);
    if (slots.entry.trial == TRIAL_NOW) {
      CHECK(after == 1 - before);
      CHECK(start() == before);
    }
  }
}

static void filled(void)
{
  uint8_t image[5000], digest[SHA256_BYTES];
  image_of(0xAA, image, digest);
  for (unsigned operation = 1; operation < 8; operation++) {
    char fault[32];
    erased();
    snprintf(fault, sizeof fault, "%u:torn:%u", operation, operation);
    nor_add_fault(&nor, fault);
    slots_open(&slots, &nor, SLOT);
    slots_fill(&slots, image, sizeof image);
    power_on();
    if (!slots_open(&slots, &nor, SLOT))
      CHECK(slots_fill(&slots, image, sizeof image) == NOR_OK);
    CHECK(start() == 0);
  }
}

void slots_tests(void)
{
  run("slots: a trial that is not confirmed is over", trial);
  run("slots: an image that is not whole is not started", damage);
  run("slots: cuts at every step leave the old image or the new one", cuts);
  run("slots: filled again after a cut", filled);
}
