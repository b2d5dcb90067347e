/* colour.c against published chromaticities; pattern.c against what its header promises. */
#include "../../platforms/native/colour.h"
#include "../../platforms/native/pattern.h"
#include "unit.h"

#define XY(value) (int)((value) * 65536 + 0.5)

static bool near(unsigned value, unsigned wanted, unsigned by)
{
  return value + by >= wanted && value <= wanted + by;
}

static void levels(void)
{
  CHECK(colour_duty(0, 8191) == 0 && colour_duty(254, 8191) == 8191);
  CHECK(near(colour_duty(127, 8191), 4096, 1) && near(colour_duty(1, 8191), 32, 1));
  CHECK(colour_duty(255, 8191) == 8191 && colour_duty(254, 0xFFFFFFFFu) == 0xFFFFFFFFu);
  for (unsigned level = 1; level <= 254; level++)
    CHECK(colour_duty(level, 8191) > colour_duty(level - 1, 8191));
}

/* CIE 15: illuminant A is 2856 K (350 mired), D65 6504 K (154 mired). */
static void temperatures(void)
{
  CHECK(near(colour_mired(XY(0.44758), XY(0.40745)), 350, 1));
  CHECK(near(colour_mired(XY(0.31272), XY(0.32903)), 154, 1));
  CHECK(colour_mired(-1, 100) == 0 && colour_mired(100, 0) == 0);
  CHECK(colour_mired(XY(0.7), XY(0.7)) == 0 && colour_mired(XY(0.15), XY(0.06)) == 0);
}

static void whites(void)
{
  const struct colour_whites lamp = {154, 370};
  struct colour_duties d = colour_whites(&lamp, 254, 154, -1, -1, 8000);
  CHECK(d.cold == 8000 && d.warm == 0);
  d = colour_whites(&lamp, 254, 370, -1, -1, 8000);
  CHECK(d.cold == 0 && d.warm == 8000);
  d = colour_whites(&lamp, 254, 262, -1, -1, 8000);
  CHECK(d.cold == 4000 && d.warm == 4000);
  d = colour_whites(&lamp, 254, 1000, -1, -1, 8000);
  CHECK(d.cold == 0 && d.warm == 8000);
  d = colour_whites(&lamp, 254, 0, -1, -1, 8000);
  CHECK(d.cold == 8000 && d.warm == 0);
  d = colour_whites(&lamp, 254, 370, XY(0.31272), XY(0.32903), 8000); /* xy goes before mired */
  CHECK(d.warm == 0 && d.cold == 8000);
  for (unsigned level = 0; level <= 254; level++)
    for (unsigned mired = 100; mired < 500; mired += 7) {
      d = colour_whites(&lamp, level, mired, -1, -1, 8191);
      CHECK(d.cold + d.warm == colour_duty(level, 8191));
    }
}

static bool shows(int x, int y, unsigned red, unsigned green, unsigned blue)
{
  uint8_t rgb[3];
  colour_rgb(254, 0, x, y, rgb);
  return near(rgb[0], red, 2) && near(rgb[1], green, 2) && near(rgb[2], blue, 2);
}

/* IEC 61966-2-1: the primaries and the white of sRGB. */
static void rgb(void)
{
  uint8_t warm[3], cold[3], half[3];
  CHECK(shows(XY(0.64), XY(0.33), 255, 0, 0) && shows(XY(0.30), XY(0.60), 0, 255, 0));
  CHECK(shows(XY(0.15), XY(0.06), 0, 0, 255) && shows(XY(0.3127), XY(0.3290), 255, 255, 255));
  CHECK(shows(XY(0.7347), XY(0.2653), 255, 0, 0)); /* redder than any screen */
  colour_rgb(254, 370, -1, -1, warm);
  CHECK(warm[0] == 255 && warm[1] < 190 && warm[2] < warm[1]);
  colour_rgb(254, 100, -1, -1, cold);
  CHECK(cold[2] == 255 && cold[0] < cold[1] && cold[1] < 255);
  colour_rgb(127, 370, -1, -1, half);
  for (int i = 0; i < 3; i++) CHECK(near(half[i], warm[i] / 2u, 1));
  colour_rgb(0, 370, -1, -1, half);
  CHECK(half[0] + half[1] + half[2] == 0);
  colour_rgb(254, 154, XY(0.9), XY(0.9), half); /* no colour: the white */
  for (int i = 0; i < 3; i++) CHECK(half[i] > 200);
  for (unsigned mired = 0; mired < 1500; mired++) {
    colour_rgb(254, mired, -1, -1, half);
    CHECK(half[0] == 255 || half[1] == 255 || half[2] == 255);
  }
}

/* The locus at illuminant A's temperature, told back by the other formula. */
static void locus_and_back(void)
{
  uint8_t rgb_mired[3], rgb_xy[3];
  colour_rgb(254, 350, -1, -1, rgb_mired);
  colour_rgb(254, 0, XY(0.44758), XY(0.40745), rgb_xy);
  for (int i = 0; i < 3; i++) CHECK(near(rgb_mired[i], rgb_xy[i], 3));
}

static unsigned flashes(enum pattern pattern)
{
  unsigned count = 0;
  for (uint32_t slot = 16; slot < 32; slot++)
    count += pattern_lit(pattern, slot) && !pattern_lit(pattern, slot - 1);
  return count;
}

static void patterns(void)
{
  CHECK(flashes(PATTERN_OFF) == 0 && flashes(PATTERN_NETWORK) == 1);
  CHECK(flashes(PATTERN_FLASH) == 2 && flashes(PATTERN_SETUP) == 3);
  CHECK(flashes(PATTERN_FATAL) == 8);
  CHECK(flashes(PATTERN_IDENTIFY) == 2 && flashes(PATTERN_FRESH) == 1);
  CHECK(flashes(PATTERN_ARMED) == 4 && flashes(PATTERN_OUT) == 4);
}

static void shown(void)
{
  const uint32_t network = 1u << PATTERN_NETWORK, flash = 1u << PATTERN_FLASH;
  CHECK(pattern_shown(0, PATTERN_OFF) == PATTERN_OFF);
  CHECK(pattern_shown(0, PATTERN_OPEN) == PATTERN_OPEN);
  CHECK(pattern_shown(network, PATTERN_OFF) == PATTERN_NETWORK);
  CHECK(pattern_shown(network, PATTERN_FRESH) == PATTERN_FRESH);
  CHECK(pattern_shown(network, PATTERN_ARMED) == PATTERN_ARMED);
  CHECK(pattern_shown(network | flash, PATTERN_ARMED) == PATTERN_FLASH);
  CHECK(pattern_shown(flash | 1u << PATTERN_FATAL, PATTERN_IN) == PATTERN_FATAL);
  CHECK(pattern_named("open") == PATTERN_OPEN && pattern_named("armed") == PATTERN_ARMED);
  CHECK(pattern_named("") == PATTERN_OFF && pattern_named("dim") == PATTERN_OFF);
}

void light_tests(void)
{
  unit_test("colour: the level is linear", levels);
  unit_test("colour: temperature of the CIE's illuminants", temperatures);
  unit_test("colour: two whites add up to the level", whites);
  unit_test("colour: sRGB's primaries and white", rgb);
  unit_test("colour: the locus meets illuminant A", locus_and_back);
  unit_test("pattern: as many flashes as promised", patterns);
  unit_test("pattern: faults first, and the network last", shown);
}
