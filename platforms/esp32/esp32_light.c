/*
 * The lamp: one or two white channels by LEDC, or NeoPixels (esp32_pixels.c). For the curves see
 * platforms/native/colour.h. 3 kHz is above what eyes and cameras notice (IEEE 1789: no effect from
 * there on), and with 13 bits the 254th part of the light is 32 steps.
 */
#include "driver/ledc.h"

#include "../native/colour.h"
#include "esp32.h"

enum { PWM_HZ = 3000, DUTY_MAX = 1 << 13, COLD = 0, WARM = 1 };

static bool failed;

static bool channel_open(int channel, int pin)
{
  const ledc_channel_config_t config = {
    .gpio_num = pin,
    .speed_mode = LEDC_LOW_SPEED_MODE,
    .channel = (ledc_channel_t)channel,
    .timer_sel = LEDC_TIMER_0,
  };
  return pin == SETUP_NONE || ledc_channel_config(&config) == ESP_OK;
}

static bool is_open(void)
{
  static bool open, tried;
  const ledc_timer_config_t timer = {
    .speed_mode = LEDC_LOW_SPEED_MODE,
    .duty_resolution = LEDC_TIMER_13_BIT,
    .timer_num = LEDC_TIMER_0,
    .freq_hz = PWM_HZ,
    .clk_cfg = LEDC_AUTO_CLK,
  };
  int first = esp32_setup.lamp == SETUP_NONE ? esp32_setup.cold : esp32_setup.lamp;
  if (!tried)
    open = ledc_timer_config(&timer) == ESP_OK && channel_open(COLD, first) &&
           channel_open(WARM, esp32_setup.warm);
  tried = true;
  return open;
}

static bool show(int channel, uint32_t duty)
{
  return ledc_set_duty(LEDC_LOW_SPEED_MODE, (ledc_channel_t)channel, duty) == ESP_OK &&
         ledc_update_duty(LEDC_LOW_SPEED_MODE, (ledc_channel_t)channel) == ESP_OK;
}

void board_light(unsigned level, unsigned mired, int x, int y)
{
  const struct setup *setup = &esp32_setup;
  bool good = true;
  if (setup->neopixel != SETUP_NONE) {
    uint8_t rgb[3];
    colour_rgb(level, mired, x, y, rgb);
    good = esp32_pixels(setup->neopixel, setup->pixels, rgb);
  }
  if (setup->lamp != SETUP_NONE)
    good = is_open() && show(COLD, colour_duty(level, DUTY_MAX)) && good;
  if (setup->cold != SETUP_NONE) {
    struct colour_duties duty = colour_whites(&setup->whites, level, mired, x, y, DUTY_MAX);
    good = is_open() && show(COLD, duty.cold) && show(WARM, duty.warm) && good;
  }
  failed = !good;
}

/* The driver's refusal; an open LED is not seen by a pin that only drives. */
bool board_light_failed(void)
{
  return failed;
}
