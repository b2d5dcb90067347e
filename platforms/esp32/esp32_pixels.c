/*
 * WS2812 and SK6812 by RMT: a bit is 1.2 us, high for a quarter of it (0) or three (1), green goes
 * first, highest bit first. The pause that latches, 0.3 ms, is the time between two steps of a
 * fade.
 */
#include "driver/rmt_encoder.h"
#include "driver/rmt_tx.h"
#include "soc/soc_caps.h"

#include "esp32.h"

enum { TICKS_HZ = 10 * 1000 * 1000, SHORT = 3, LONG = 9, WAIT_MS = 20 };

static rmt_channel_handle_t channel;
static rmt_encoder_handle_t encoder;

static rmt_symbol_word_t bit(uint16_t high, uint16_t low)
{
  rmt_symbol_word_t word = {.val = 0};
  word.level0 = 1;
  word.duration0 = high & 0x7FFF;
  word.duration1 = low & 0x7FFF;
  return word;
}

static bool open(int pin)
{
  const rmt_tx_channel_config_t line = {
    .gpio_num = (gpio_num_t)pin,
    .clk_src = RMT_CLK_SRC_DEFAULT,
    .resolution_hz = TICKS_HZ,
    .mem_block_symbols = SOC_RMT_MEM_WORDS_PER_CHANNEL, /* more would take another channel's */
    .trans_queue_depth = 1,
  };
  rmt_bytes_encoder_config_t bits = {.bit0 = bit(SHORT, LONG), .bit1 = bit(LONG, SHORT)};
  bits.flags.msb_first = 1;
  if (encoder) return true;
  if (!channel && (rmt_new_tx_channel(&line, &channel) != ESP_OK ||
                   rmt_enable(channel) != ESP_OK))
    return false;
  return rmt_new_bytes_encoder(&bits, &encoder) == ESP_OK;
}

bool esp32_pixels(int pin, unsigned count, const uint8_t rgb[3])
{
  static uint8_t line[3 * SETUP_PIXELS_MAX];
  const rmt_transmit_config_t once = {.loop_count = 0};
  if (!open(pin)) return false;
  /* The hardware still reads `line` while it sends. */
  if (rmt_tx_wait_all_done(channel, WAIT_MS) != ESP_OK) return false;
  for (unsigned i = 0; i < count; i++) {
    line[3 * i] = rgb[1];
    line[3 * i + 1] = rgb[0];
    line[3 * i + 2] = rgb[2];
  }
  return rmt_transmit(channel, encoder, line, 3 * count, &once) == ESP_OK;
}
