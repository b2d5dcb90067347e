/*
 * esp32_slots.c over ESP-IDF's otadata and boot loader as esp32_ota.c has them, cut at every
 * operation on flash, the boot loader's own included; and kept.c.
 */
#include <stdio.h>
#include <string.h>

#include "../../platforms/esp32/esp32.h"
#include "../../platforms/native/kept.h"
#include "../../platforms/native/sha256.h"
#include "esp32_ota.h"
#include "unit.h"

enum { OLD = 0xA1, NEW = 0xB2 };

static struct board_flash geometry;
static uint8_t image[OTA_IMAGE_BYTES], digest[SHA256_BYTES];
static const char *refusal;

static void faultless(void)
{
  ota_flash.fault_count = 0;
}

static void boots(void)
{
  refusal = "nothing boots";
  if (ota_boot() >= 0) refusal = board_slots_open(&geometry);
}

/* As many starts as it takes, without a fault: the slot that runs, -1: none does. */
static int come_up(void)
{
  faultless();
  for (int start = 0; start < 4; start++)
    if (ota_until(boots) == OTA_DONE) return refusal ? -1 : board_slots_running();
  return -1;
}

static void made(uint8_t fill)
{
  struct sha256 hash;
  ota_image(fill, image);
  sha256_start(&hash);
  sha256_add(&hash, image, sizeof image);
  sha256_finish(&hash, digest);
}

static void from_factory(void)
{
  made(OLD);
  ota_factory(image);
  CHECK(come_up() == 0 && !board_slots_on_trial() && ota_runs() == OLD);
  made(NEW);
}

static bool writes(void)
{
  enum { BLOCK = 512 };
  uint8_t block[BLOCK];
  for (uint32_t at = 0; at < geometry.size; at += geometry.erase_bytes)
    if (!board_slots_erase(at)) return false;
  for (uint32_t at = 0; at < sizeof image; at += BLOCK) {
    uint32_t part = sizeof image - at < BLOCK ? sizeof image - at : BLOCK;
    memset(block, 0xFF, sizeof block);
    memcpy(block, image + at, part);
    if (!board_slots_program(at, block, (part + 15) / 16 * 16)) return false;
  }
  return true;
}

static void trial(void)
{
  uint8_t back[16];
  from_factory();
  CHECK(geometry.size == OTA_SLOT_BYTES && geometry.erase_bytes == 4096);
  CHECK(geometry.program_bytes == 16);
  CHECK(writes() && board_slots_read(1, back, 16) && !memcmp(back, image + 1, 16));
  CHECK(board_slots_activate(sizeof image, digest));
  CHECK(come_up() == 1 && board_slots_on_trial() && ota_runs() == NEW);
  CHECK(come_up() == 0 && !board_slots_on_trial() && ota_runs() == OLD);
  CHECK(come_up() == 0);
  /* What was given up can be tried again, and then stay. */
  CHECK(board_slots_activate(sizeof image, digest));
  CHECK(come_up() == 1 && board_slots_on_trial());
  CHECK(board_slots_confirm() && !board_slots_on_trial() && board_slots_confirm());
  for (int start = 0; start < 3; start++) CHECK(come_up() == 1 && !board_slots_on_trial());
}

static void rounds(void)
{
  from_factory();
  for (uint8_t round = 1; round < 12; round++) {
    int before = board_slots_running();
    made(round);
    CHECK(writes() && board_slots_activate(sizeof image, digest));
    CHECK(come_up() == 1 - before && ota_runs() == round && board_slots_on_trial());
    if (round % 3 == 0) {
      CHECK(come_up() == before && ota_runs() == round - 1 && !board_slots_on_trial());
      CHECK(board_slots_activate(sizeof image, digest) && come_up() == 1 - before);
    }
    CHECK(board_slots_confirm());
    CHECK(come_up() == 1 - before && !board_slots_on_trial());
  }
}

static void way_back(void)
{
  uint8_t unit[16] = {1};
  from_factory();
  CHECK(writes() && board_slots_activate(sizeof image, digest));
  CHECK(come_up() == 1 && board_slots_on_trial());
  CHECK(!board_slots_erase(0) && !board_slots_program(10240, unit, 16));
  made(OLD);
  CHECK(!board_slots_activate(sizeof image, digest));
  CHECK(ota_is_whole(0) && come_up() == 0 && ota_runs() == OLD);
}

static void refused(void)
{
  from_factory();
  CHECK(writes());
  CHECK(!board_slots_activate(0, digest) && !board_slots_activate(OTA_SLOT_BYTES + 1, digest));
  digest[31] ^= 1;
  CHECK(!board_slots_activate(sizeof image, digest)); /* a good image, another than was signed */
  CHECK(come_up() == 0 && !board_slots_on_trial());
  /* What was signed, and the boot loader cannot start it. */
  made(NEW);
  image[100] ^= 1;
  {
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, image, sizeof image);
    sha256_finish(&hash, digest);
  }
  CHECK(writes() && !board_slots_activate(sizeof image, digest));
  CHECK(come_up() == 0 && !board_slots_on_trial() && ota_runs() == OLD);
  ota_has_one_slot = true;
  CHECK(come_up() == -1 && strstr(refusal, "--flash-size 8"));
}

static void torn_entry(void)
{
  static const uint32_t states[] = {0x42, 0x40000000, UINT32_MAX, 7};
  for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
    from_factory();
    CHECK(writes());
    ota_put_entry(1, 2, states[i]);
    CHECK(come_up() == 1 && ota_runs() == NEW && board_slots_on_trial());
    CHECK(come_up() == 0 && !board_slots_on_trial());
  }
}

/* --- cuts ------------------------------------------------------------------------------------ */

static bool confirming, confirmed;

static void updates(void)
{
  if (!writes() || !board_slots_activate(sizeof image, digest)) return;
  boots();
  confirming = board_slots_on_trial();
  confirmed = confirming && board_slots_confirm();
}

/* An update from a slot to the other one, cut at one operation; then it comes up as it can. */
static bool survives(unsigned operation, const char *mode, bool other_way)
{
  char fault[40];
  int before, after;
  uint8_t old = OLD;
  from_factory();
  if (other_way) {
    updates();
    CHECK(come_up() == 1 && confirmed);
    old = NEW;
    made(0xC3);
  }
  before = board_slots_running();
  confirming = confirmed = false;
  ota_flash.operations = 0;
  snprintf(fault, sizeof fault, "%u:%s:%u", operation, mode, (unsigned)unit_chance() >> 1);
  CHECK(nor_add_fault(&ota_flash, fault));
  if (ota_until(updates) == OTA_DONE) return false;
  after = come_up();
  CHECK(after >= 0 && ota_is_whole(after));
  CHECK(ota_runs() == (after == before ? old : image[1]));
  if (after == before) {
    CHECK(!board_slots_on_trial());
    /* And it can be done again from there. */
    updates();
    CHECK(confirmed && come_up() == 1 - before && !board_slots_on_trial());
  } else if (board_slots_on_trial()) {
    CHECK(come_up() == before && ota_runs() == old && !board_slots_on_trial());
  } else {
    /* Cut when the confirmation was written, and not before. */
    CHECK(confirming && come_up() == after);
  }
  return true;
}

static void cuts(void)
{
  static const char *const modes[] = {"not", "torn", "done"};
  unsigned tried = 0;
  for (unsigned operation = 1;; operation++) {
    bool cut = false;
    for (unsigned i = 0; i < 6; i++) {
      if (!survives(operation, modes[i % 3], i >= 3)) continue;
      cut = true;
      tried++;
    }
    if (!cut) break;
  }
  CHECK(tried > 150);
}

/* --- what is kept ---------------------------------------------------------------------------- */

static uint8_t blob[1000];

static void keeps(void)
{
  (void)board_kept_put(blob, sizeof blob);
}

static void kept(void)
{
  uint8_t back[1000];
  uint64_t operations;
  from_factory();
  CHECK(board_kept_size() == 0 && !board_kept_put(blob, 0) && !board_kept_put(blob, 9000));
  memset(blob, 0x77, sizeof blob);
  CHECK(board_kept_put(blob, sizeof blob) && board_kept_size() == sizeof blob);
  CHECK(board_kept_read(back, sizeof back) && !memcmp(back, blob, sizeof blob));
  operations = ota_flash.operations;
  CHECK(board_kept_put(blob, sizeof blob) && ota_flash.operations == operations);
  CHECK(board_kept_put(blob, 999) && board_kept_size() == 999);
  for (unsigned operation = 1; operation < 6; operation++) {
    char fault[40];
    uint32_t size;
    faultless();
    blob[0]++;
    ota_flash.operations = 0;
    snprintf(fault, sizeof fault, "%u:torn:%u", operation, (unsigned)unit_chance() >> 1);
    CHECK(nor_add_fault(&ota_flash, fault));
    if (ota_until(keeps) == OTA_DONE) CHECK(operation > 4);
    size = board_kept_size();
    CHECK(size == 0 || size == 999 || size == sizeof blob);
    faultless();
    keeps();
    CHECK(board_kept_size() == sizeof blob && board_kept_read(back, sizeof back));
    CHECK(!memcmp(back, blob, sizeof blob));
  }
}

void slots_tests(void)
{
  unit_test("slots: a trial that is not confirmed is over with the next start", trial);
  unit_test("slots: from one to the other and back, a dozen times", rounds);
  unit_test("slots: on trial nothing touches the way back", way_back);
  unit_test("slots: what is not the signed image, or no application, is not activated", refused);
  unit_test("slots: an entry that was cut within its state gets a trial", torn_entry);
  unit_test("slots: cut at every operation, the old image or the new one starts", cuts);
  unit_test("kept: whole or not at all, and written once", kept);
}
