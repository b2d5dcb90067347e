#include "setup.h"

#include <string.h>

#define BIT(n) (1ull << (n))
#define RANGE(from, to) (BIT((to) + 1) - BIT(from))

/*
 * From the chips' datasheets, pin overviews. Left out: what the flash chip is wired to (and on the
 * ESP32-S3 the PSRAM), what is not bonded, and GPIO 11 of the C3, the flash's supply. Strapping
 * pins are in: boards put their buttons and LEDs there.
 */
static const struct setup_chip chips[] = {
  {"esp32", RANGE(0, 5) | RANGE(12, 19) | RANGE(21, 23) | RANGE(25, 27) | RANGE(32, 39),
    RANGE(0, 5) | RANGE(12, 19) | RANGE(21, 23) | RANGE(25, 27) | RANGE(32, 33), 0, 2, SETUP_NONE},
  {"esp32s3", RANGE(0, 21) | RANGE(33, 48), RANGE(0, 21) | RANGE(33, 48), 0, SETUP_NONE, 48},
  {"esp32c3", RANGE(0, 10) | RANGE(18, 21), RANGE(0, 10) | RANGE(18, 21), 9, SETUP_NONE, 8},
  {"esp32c6", RANGE(0, 23), RANGE(0, 23), 9, SETUP_NONE, 8},
  {"esp32h2", RANGE(0, 5) | RANGE(8, 14) | RANGE(22, 27),
    RANGE(0, 5) | RANGE(8, 14) | RANGE(22, 27), 9, SETUP_NONE, 8},
};

const struct setup_chip *setup_chip(const char *name)
{
  for (unsigned i = 0; i < sizeof chips / sizeof *chips; i++)
    if (!strcmp(chips[i].name, name)) return &chips[i];
  return NULL;
}

void setup_clear(struct setup *setup)
{
  memset(setup, 0, sizeof *setup);
  setup->button = setup->status = setup->lamp = SETUP_NONE;
  setup->cold = setup->warm = setup->neopixel = SETUP_NONE;
  setup->pixels = 1;
  setup->whites = (struct colour_whites){154, 370};
  setup->router = true;
}

static int *find(struct setup *setup, const char *name, bool *input)
{
  const struct {
    const char *name;
    int *pin;
  } pins[] = {
    {"button", &setup->button}, {"status", &setup->status}, {"lamp", &setup->lamp},
    {"cold", &setup->cold}, {"warm", &setup->warm}, {"neopixel", &setup->neopixel},
  };
  *input = !strcmp(name, "button");
  for (unsigned i = 0; i < sizeof pins / sizeof *pins; i++)
    if (!strcmp(pins[i].name, name)) return pins[i].pin;
  return NULL;
}

static bool is_taken(const struct setup *setup, int pin)
{
  const int taken[] = {setup->button, setup->status, setup->lamp, setup->cold, setup->warm,
    setup->neopixel};
  for (unsigned i = 0; i < sizeof taken / sizeof *taken; i++)
    if (taken[i] == pin) return true;
  return false;
}

const char *setup_pin(struct setup *setup, const struct setup_chip *chip, const char *name,
    unsigned pin)
{
  bool input;
  int *place = find(setup, name, &input);
  if (!strcmp(name, "pixels")) {
    if (pin < 1 || pin > SETUP_PIXELS_MAX) return "pixels are 1 to 64";
    setup->pixels = pin;
    return NULL;
  }
  if (!place) return "no such pin: button, status, lamp, cold, warm, neopixel (and pixels)";
  if (pin > 63 || !(chip->pins >> pin & 1))
    return "this chip has no such pin, or its flash is wired to it; see the datasheet";
  if (!input && !(chip->outputs >> pin & 1)) return "this pin is an input only; take another";
  if (is_taken(setup, (int)pin)) return "this pin is given to something else already";
  *place = (int)pin;
  return NULL;
}

const char *setup_finish(struct setup *setup, const struct setup_chip *chip, const char *role)
{
  bool untold = setup->button == SETUP_NONE && setup->status == SETUP_NONE;
  bool lamp = setup->lamp != SETUP_NONE || setup->cold != SETUP_NONE ||
              setup->warm != SETUP_NONE || setup->neopixel != SETUP_NONE;
  if (untold && !lamp) {
    setup->button = chip->button;
    setup->lamp = chip->lamp;
    setup->neopixel = chip->neopixel;
    lamp = true;
  }
  if ((setup->cold == SETUP_NONE) != (setup->warm == SETUP_NONE))
    return "pins: cold and warm go together; for one white channel say lamp";
  if (setup->lamp != SETUP_NONE && setup->cold != SETUP_NONE)
    return "pins: lamp, or cold and warm, not both";
  if (!strcmp(role, "luminaire") && !lamp)
    return "pins: a luminaire needs lamp, cold and warm, or neopixel";
  if (!strcmp(role, "switch") && setup->button == SETUP_NONE)
    return "pins: a switch needs button";
  if (!strcmp(role, "presence") || !strcmp(role, "daylight"))
    return "role: presence and daylight have no sensor on an ESP32 yet; luminaire or switch";
  return NULL;
}

static const char *put_whites(struct setup *setup, const char *text)
{
  unsigned value[2] = {0, 0};
  for (int i = 0; i < 2; i++) {
    for (unsigned digits = 0; *text >= '0' && *text <= '9' && digits < 4; digits++)
      value[i] = value[i] * 10 + (unsigned)(*text++ - '0');
    if (*text++ != (i == 0 ? '-' : 0)) return "cold and warm white in mired, 154-370 for example";
  }
  if (value[0] < 50 || value[0] >= value[1] || value[1] > 1000)
    return "the cold white first, then the warm one, in mired from 50 to 1000";
  setup->whites = (struct colour_whites){(uint16_t)value[0], (uint16_t)value[1]};
  return NULL;
}

static const char *put_dataset(struct setup *setup, const char *text)
{
  int size = dataset_from_hex(text, setup->dataset);
  const char *fault;
  if (size < 0) return "the hex digits that `dataset active -x` prints on a Thread router";
  fault = dataset_fault(setup->dataset, (size_t)size);
  if (!fault) setup->dataset_bytes = (unsigned)size;
  return fault;
}

const char *setup_text(struct setup *setup, const char *name, const char *text)
{
  size_t size = strlen(text);
  if (!strcmp(name, "dataset")) return put_dataset(setup, text);
  if (!strcmp(name, "whites")) return put_whites(setup, text);
  if (!strcmp(name, "ssid")) {
    if (size < 1 || size > SETUP_SSID_MAX) return "1 to 32 bytes";
    memcpy(setup->ssid, text, size + 1);
    return NULL;
  }
  if (!strcmp(name, "password")) {
    /* IEEE 802.11 annex J: a WPA passphrase has 8 to 63 characters. */
    if (size && (size < 8 || size > SETUP_PASSWORD_MAX)) return "8 to 63 characters, or none";
    memcpy(setup->password, text, size + 1);
    return NULL;
  }
  if (!strcmp(name, "router")) {
    if (strcmp(text, "0") && strcmp(text, "1")) return "0 or 1";
    setup->router = *text == '1';
    return NULL;
  }
  return "no such setting: ssid, password, dataset, router, whites";
}
