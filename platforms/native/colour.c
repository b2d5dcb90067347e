#include "colour.h"

/* Single precision: no target has double precision in hardware, and 8 bits are wanted. */

uint32_t colour_duty(unsigned level, uint32_t duty_max)
{
  if (level > COLOUR_LEVEL_MAX) level = COLOUR_LEVEL_MAX;
  return (uint32_t)(((uint64_t)duty_max * level + COLOUR_LEVEL_MAX / 2) / COLOUR_LEVEL_MAX);
}

/* McCamy (1992): n = (x - 0.3320) / (0.1858 - y). */
unsigned colour_mired(int x, int y)
{
  float fx = (float)x / 65536, fy = (float)y / 65536;
  float n, kelvin;
  if (x < 0 || y <= 0 || fx + fy > 1 || fy < 0.19f) return 0;
  n = (fx - 0.3320f) / (0.1858f - fy);
  kelvin = ((449 * n + 3525) * n + 6823.3f) * n + 5520.33f;
  if (kelvin < 1000) return 1000;
  return kelvin > 1000000 ? 1 : (unsigned)(1000000 / kelvin + 0.5f);
}

struct colour_duties colour_whites(const struct colour_whites *lamp, unsigned level,
    unsigned mired, int x, int y, uint32_t duty_max)
{
  uint32_t all = colour_duty(level, duty_max);
  uint32_t span = (uint32_t)lamp->warm_mired - lamp->cold_mired;
  unsigned nearest = x < 0 ? 0 : colour_mired(x, y);
  uint32_t warmth, warm;
  if (nearest) mired = nearest;
  if (mired < lamp->cold_mired) mired = lamp->cold_mired;
  if (mired > lamp->warm_mired) mired = lamp->warm_mired;
  warmth = mired - lamp->cold_mired;
  warm = (uint32_t)(((uint64_t)all * warmth + span / 2) / span);
  return (struct colour_duties){all - warm, warm};
}

/* The Planckian locus between 1667 K and 25,000 K; beyond, its ends. */
static void white(unsigned mired, float *x, float *y)
{
  float t = (float)(mired < 40 ? 40 : mired > 599 ? 599 : mired) / 1000; /* 1000 / kelvin */
  float v;
  if (t > 0.25f) v = ((-0.2661239f * t - 0.2343589f) * t + 0.8776956f) * t + 0.179910f;
  else v = ((-3.0258469f * t + 2.1070379f) * t + 0.2226347f) * t + 0.240390f;
  *x = v;
  if (t > 1 / 2.222f) *y = ((-1.1063814f * v - 1.34811020f) * v + 2.18555832f) * v - 0.20219683f;
  else if (t > 0.25f) *y = ((-0.9549476f * v - 1.37418593f) * v + 2.09137015f) * v - 0.16748867f;
  else *y = ((3.0817580f * v - 5.87338670f) * v + 3.75112997f) * v - 0.37001483f;
}

void colour_rgb(unsigned level, unsigned mired, int x, int y, uint8_t rgb[3])
{
  float fx = (float)x / 65536, fy = (float)y / 65536;
  float light[3], most = 0;
  if (x < 0 || y <= 0 || fx + fy > 1) white(mired, &fx, &fy);
  {
    float X = fx / fy, Z = (1 - fx - fy) / fy; /* Y = 1 */
    light[0] = 3.2406f * X - 1.5372f - 0.4986f * Z;
    light[1] = -0.9689f * X + 1.8758f + 0.0415f * Z;
    light[2] = 0.0557f * X - 0.2040f + 1.0570f * Z;
  }
  for (int i = 0; i < 3; i++) {
    if (light[i] < 0) light[i] = 0;
    if (light[i] > most) most = light[i];
  }
  for (int i = 0; i < 3; i++)
    rgb[i] = most > 0 ? (uint8_t)colour_duty(level, (uint32_t)(255 * light[i] / most + 0.5f)) : 0;
}
