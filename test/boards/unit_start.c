/* restart.c, setup.c and dataset.c: what is decided before a board does anything. */
#include <stdio.h>
#include <string.h>

#include "../../platforms/esp32/setup.h"
#include "../../platforms/native/pattern.h"
#include "../../platforms/native/restart.h"
#include "unit.h"

static struct restart_record record;

static const char *taken(enum restart_cause cause)
{
  static char text[160];
  return restart_take(&record, cause, text, sizeof text);
}

static bool tells(enum restart_cause cause, const char *wanted)
{
  const char *text = taken(cause);
  return text && !strcmp(text, wanted);
}

static void noise(void)
{
  uint8_t *bytes = (uint8_t *)&record;
  for (size_t i = 0; i < sizeof record; i++) bytes[i] = (uint8_t)unit_chance();
}

static void reasons(void)
{
  restart_keep(&record, "flash: refuses the first record");
  CHECK(tells(RESTART_SOFTWARE, "flash: refuses the first record"));
  CHECK(taken(RESTART_SOFTWARE) == NULL); /* told once */
  restart_note(&record, "flash erase");
  CHECK(tells(RESTART_WATCHDOG, "watchdog in flash erase"));
  restart_note(&record, "flash erase");
  restart_note(&record, NULL);
  CHECK(tells(RESTART_WATCHDOG, "watchdog"));
  restart_note(&record, "a name that is too long for its place");
  CHECK(tells(RESTART_CRASH, "crash in a name that is too long"));
  CHECK(tells(RESTART_BROWNOUT, "supply voltage too low"));
  restart_keep(&record, "kept, but the power went");
  CHECK(taken(RESTART_POWER) == NULL);
}

static bool is_printable(const char *text)
{
  while (*text >= ' ' && *text <= '~') text++;
  return *text == 0;
}

static void damaged_records(void)
{
  char text[300];
  for (int i = 0; i < 1000; i++) {
    noise();
    CHECK(taken(RESTART_SOFTWARE) == NULL);
    noise();
    CHECK(is_printable(taken(RESTART_WATCHDOG)));
  }
  for (size_t bit = 0; bit < 8 * RESTART_REASON_BYTES; bit++) {
    restart_keep(&record, "a reason");
    record.reason[bit / 8] ^= (char)(1 << bit % 8);
    CHECK(taken(RESTART_SOFTWARE) == NULL);
  }
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  restart_keep(&record, text);
  CHECK(strlen(taken(RESTART_SOFTWARE)) == RESTART_REASON_BYTES - 1);
}

static void patterns_of_reasons(void)
{
  CHECK(pattern_of("flash: belongs to device 01") == PATTERN_FLASH);
  CHECK(pattern_of("no provisioning: give this device its part") == PATTERN_SETUP);
  CHECK(pattern_of("pins: button = 6: no") == PATTERN_SETUP);
  CHECK(pattern_of("restart asked for") == PATTERN_OFF);
  CHECK(pattern_of("TypeError: x") == PATTERN_FATAL && pattern_of("") == PATTERN_FATAL);
}

static bool refuses_pin(const char *chip, const char *name, unsigned pin)
{
  struct setup setup;
  setup_clear(&setup);
  return setup_pin(&setup, setup_chip(chip), name, pin) != NULL;
}

static void pins(void)
{
  struct setup setup;
  const struct setup_chip *c6 = setup_chip("esp32c6");
  CHECK(setup_chip("esp32s2") == NULL && setup_chip("") == NULL);
  setup_clear(&setup);
  CHECK(!setup_pin(&setup, c6, "button", 9) && !setup_pin(&setup, c6, "neopixel", 8));
  CHECK(!setup_pin(&setup, c6, "pixels", 12));
  CHECK(setup.button == 9 && setup.neopixel == 8 && setup.pixels == 12);
  CHECK(setup.status == SETUP_NONE && setup.lamp == SETUP_NONE);
  CHECK(setup_pin(&setup, c6, "status", 9) != NULL); /* taken */
  CHECK(setup_pin(&setup, c6, "led", 1) != NULL);
  CHECK(setup_pin(&setup, c6, "pixels", 0) && setup_pin(&setup, c6, "pixels", 65));
  CHECK(refuses_pin("esp32", "button", 6) && refuses_pin("esp32", "button", 11)); /* flash */
  CHECK(refuses_pin("esp32", "lamp", 34) && !refuses_pin("esp32", "button", 34)); /* input only */
  CHECK(refuses_pin("esp32", "lamp", 40) && refuses_pin("esp32", "lamp", 255));
  CHECK(refuses_pin("esp32c3", "lamp", 11) && refuses_pin("esp32c6", "lamp", 24));
  CHECK(refuses_pin("esp32h2", "lamp", 15) && !refuses_pin("esp32h2", "neopixel", 8));
  CHECK(refuses_pin("esp32s3", "lamp", 27) && !refuses_pin("esp32s3", "neopixel", 48));
}

/* Which pins a build names ("button 9, lamp 2"), for which role; NULL when all is there. */
static const char *finished(const char *chip, const char *pins, const char *role,
    struct setup *setup)
{
  char name[16];
  unsigned pin;
  int size;
  setup_clear(setup);
  for (; sscanf(pins, "%15[a-z] %u%n", name, &pin, &size) == 2; pins += size) {
    CHECK(setup_pin(setup, setup_chip(chip), name, pin) == NULL);
    if (!strncmp(pins + size, ", ", 2)) size += 2;
  }
  return setup_finish(setup, setup_chip(chip), role);
}

static bool lacks(const char *pins, const char *role, const char *word)
{
  struct setup setup;
  const char *fault = finished("esp32c6", pins, role, &setup);
  return fault && strstr(fault, word);
}

static void roles(void)
{
  struct setup setup;
  CHECK(!finished("esp32c6", "", "luminaire", &setup) && setup.neopixel == 8 && setup.button == 9);
  CHECK(!finished("esp32", "", "switch", &setup) && setup.lamp == 2 && setup.button == 0);
  CHECK(!finished("esp32c6", "button 3", "switch", &setup) && setup.neopixel == SETUP_NONE);
  CHECK(!finished("esp32c6", "cold 3, warm 4, status 5", "luminaire", &setup));
  CHECK(setup.cold == 3 && setup.warm == 4 && setup.status == 5 && setup.button == SETUP_NONE);
  CHECK(!finished("esp32c6", "button 3", "", &setup)); /* provisioning says the role */
  CHECK(lacks("button 3", "luminaire", "luminaire needs") && lacks("lamp 3", "switch", "button"));
  CHECK(lacks("cold 3", "luminaire", "together") && lacks("warm 3", "", "together"));
  CHECK(lacks("lamp 1, cold 3, warm 4", "luminaire", "not both"));
  CHECK(lacks("button 3", "presence", "role:") && lacks("button 3", "daylight", "role:"));
}

/* Every kit's own pins are pins of its chip. */
static void kits(void)
{
  static const char *const names[] = {"esp32", "esp32s3", "esp32c3", "esp32c6", "esp32h2"};
  for (unsigned i = 0; i < 5; i++) {
    const struct setup_chip *chip = setup_chip(names[i]);
    struct setup setup;
    setup_clear(&setup);
    CHECK(!setup_pin(&setup, chip, "button", (unsigned)chip->button));
    if (chip->lamp != SETUP_NONE) CHECK(!setup_pin(&setup, chip, "lamp", (unsigned)chip->lamp));
    if (chip->neopixel != SETUP_NONE)
      CHECK(!setup_pin(&setup, chip, "neopixel", (unsigned)chip->neopixel));
  }
}

static bool takes(const char *name, const char *text)
{
  struct setup setup;
  setup_clear(&setup);
  return setup_text(&setup, name, text) == NULL;
}

static void texts(void)
{
  const char *long_text = "0123456789012345678901234567890123456789012345678901234567890123";
  struct setup setup;
  setup_clear(&setup);
  CHECK(!setup_text(&setup, "ssid", "Lamps") && !strcmp(setup.ssid, "Lamps"));
  CHECK(!setup_text(&setup, "whites", "153-454"));
  CHECK(setup.whites.cold_mired == 153 && setup.whites.warm_mired == 454);
  CHECK(setup.router && !setup_text(&setup, "router", "0") && !setup.router);
  CHECK(!takes("ssid", "") && !takes("ssid", long_text) && !takes("password", "short"));
  CHECK(takes("password", "") && takes("password", "longer than 8"));
  CHECK(takes("password", long_text + 1) && !takes("password", long_text));
  CHECK(!takes("whites", "370-153") && !takes("whites", "153") && !takes("whites", "153-370-"));
  CHECK(!takes("whites", "99999-370") && !takes("whites", "") && !takes("whites", "10-20"));
  CHECK(!takes("router", "yes") && !takes("colour", "red"));
}

/* The dataset of Home Assistant's and Espressif's public examples, as a router prints it. */
static const char example[] =
  "0e080000000000010000000300000f35060004001fffe0020811111111222222220708fdad70bfe5aa15dd0510"
  "00112233445566778899aabbccddeeff030e4f70656e54687265616444656d6f010212340410445f2b5ca6f2a9"
  "3a55ce570a70efeecb0c0402a0f7f8";

static bool faulty(const uint8_t *bytes, size_t size, const char *word)
{
  const char *fault = dataset_fault(bytes, size);
  return fault && strstr(fault, word);
}

static void datasets(void)
{
  uint8_t bytes[DATASET_BYTES_MAX], other[DATASET_BYTES_MAX + 2];
  int size = dataset_from_hex(example, bytes);
  CHECK(size == 105 && dataset_fault(bytes, 105) == NULL);
  CHECK(takes("dataset", example) && !takes("dataset", "zz") && !takes("dataset", "0e0"));
  for (size_t cut = 0; cut < 105; cut++)
    CHECK(dataset_fault(bytes, cut) != NULL || cut == 99 || cut == 81);
  memcpy(other, bytes, 105);
  other[14] = 10;
  CHECK(faulty(other, 105, "channel"));
  memcpy(other, bytes, 105);
  memset(other + 45, 0, 16);
  CHECK(faulty(other, 105, "network key"));
  memcpy(other, bytes, 105);
  other[34] = 0x20;
  CHECK(faulty(other, 105, "mesh-local prefix"));
  memcpy(other, bytes, 105);
  memcpy(other + 105, bytes, 10);
  CHECK(faulty(other, 115, "twice"));
  memcpy(other, bytes + 10, 95);
  CHECK(faulty(other, 95, "active timestamp"));
  memcpy(other, bytes, 105); /* what is kept stays, until ours is newer or another network's */
  CHECK(!dataset_replaces(bytes, 105, other, 105) && dataset_replaces(bytes, 105, other, 0));
  other[8] = 2;
  CHECK(!dataset_replaces(bytes, 105, other, 105) && dataset_replaces(other, 105, bytes, 105));
  other[24] ^= 1; /* the extended PAN id */
  CHECK(dataset_replaces(bytes, 105, other, 105));
  CHECK(faulty(other, 255, "longer") && faulty(other, 0, "empty"));
  for (int i = 0; i < 20000; i++) { /* whatever it is: no read beyond its end */
    size_t length = unit_chance() % 60;
    uint8_t exact[60];
    for (size_t j = 0; j < length; j++) exact[j] = (uint8_t)(unit_chance() % 20);
    CHECK(dataset_fault(exact, length) != NULL);
  }
}

static void print_pins(uint64_t pins)
{
  const char *comma = "";
  printf("[");
  for (unsigned pin = 0; pin < 64; pin++) {
    if (!(pins >> pin & 1)) continue;
    printf("%s%u", comma, pin);
    comma = ",";
  }
  printf("]");
}

void start_print_chips(void)
{
  static const char *const names[] = {"esp32", "esp32s3", "esp32c3", "esp32c6", "esp32h2"};
  for (unsigned i = 0; i < 5; i++) {
    const struct setup_chip *chip = setup_chip(names[i]);
    printf("%s\"%s\":{\"pins\":", i ? "," : "{", chip->name);
    print_pins(chip->pins);
    printf(",\"outputs\":");
    print_pins(chip->outputs);
    printf("}");
  }
  printf("}\n");
}

void start_tests(void)
{
  unit_test("restart: the reason is told once, and where the watchdog bit", reasons);
  unit_test("restart: memory that lost power tells nothing", damaged_records);
  unit_test("restart: each reason has its pattern", patterns_of_reasons);
  unit_test("setup: pins a chip does not have are refused", pins);
  unit_test("setup: what a role needs, or the kit's own", roles);
  unit_test("setup: a kit's pins are pins of its chip", kits);
  unit_test("setup: settings are checked", texts);
  unit_test("dataset: whole and plausible, or named", datasets);
}
