/*
 * What a lamp's channels get for a level and a colour (modules/ports/light.ts).
 *
 * LEVEL. Light output is linear in it, DALI's linear curve: 254 is all there is, 127 half, 1 the
 * 254th part. A fade looks faster at its dark end; whoever wants steps of equal look sends levels
 * that way, and a curve here would bend those a second time.
 *
 * COLOUR TEMPERATURE. Two whites are mixed by mireds: the eye tells whites apart by about equal
 * steps of mired, and between two whites of equal flux the chromaticity moves nearly evenly with
 * it. The shares of cold and warm add up to the level, so the supply never sees more than one
 * channel's full current. Beyond the lamp's own two whites the nearer one is shown.
 *
 * RGB. The white's place on the Planckian locus (Kim et al., US patent 7,024,034) or the given xy
 * becomes linear light of sRGB's primaries (IEC 61966-2-1); what lies outside their triangle loses
 * the negative part; the strongest primary gets the level, for full brightness at every colour.
 * No gamma: PWM, in a WS2812 too, is linear in light.
 */
#ifndef LUMICAST_COLOUR_H
#define LUMICAST_COLOUR_H

#include <stdint.h>

enum { COLOUR_LEVEL_MAX = 254 };

struct colour_whites {
  uint16_t cold_mired, warm_mired; /* cold < warm */
};

/* Equal to or below duty_max: of the cold and the warm channel. x < 0: no coordinates, else CIE xy
   in 1/65536, shown as the nearest white (McCamy's formula). */
struct colour_duties {
  uint32_t cold, warm;
};
struct colour_duties colour_whites(const struct colour_whites *lamp, unsigned level,
    unsigned mired, int x, int y, uint32_t duty_max);

/* One channel, or one white only. */
uint32_t colour_duty(unsigned level, uint32_t duty_max);

/* red, green, blue, each 0 to 255. */
void colour_rgb(unsigned level, unsigned mired, int x, int y, uint8_t rgb[3]);

/* 0 when xy is no colour. */
unsigned colour_mired(int x, int y);

#endif
