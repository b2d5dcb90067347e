/* The preloaded image, as maker.c writes it and image.c finds it. */
#ifndef LUMICAST_CORTEXM_IMAGE_H
#define LUMICAST_CORTEXM_IMAGE_H

#include <stdint.h>

enum { IMAGE_MADE = 0x31474D49, IMAGE_HEAD_BYTES = 64 }; /* "IMG1" */

struct image_header {
  uint32_t magic;
  uint32_t size; /* of the image in bytes, this head included */
  uint32_t code_size;
  void *root;
};

#endif
