/*
 * Byte code files: this head, code, symbols; little-endian. Symbols are the names that the ids in
 * the code stand for, as fxParserCode leaves them.
 */
#ifndef LUMICAST_IMAGE_H
#define LUMICAST_IMAGE_H

#include <stdint.h>

#define IMAGE_MAGIC "XSB1"
#define IMAGE_FORMAT (XS_MAJOR_VERSION << 16 | XS_MINOR_VERSION << 8 | XS_PATCH_VERSION)

struct image_head {
  char magic[4];
  uint32_t format, id_size, code_size, symbols_size;
  uint32_t checksum; /* FNV-1a over code and symbols */
};

uint32_t image_checksum(const void *code, uint32_t code_size, const void *symbols,
    uint32_t symbols_size);

#endif
