/*
 * What XS asks of a platform, for a Cortex-M without an operating system; XS includes this through
 * XSPLATFORM. No parser: byte code only. Key tables are counted through the macros below, as on the
 * headless host (platforms/native/xs13/memory.c).
 */
#ifndef LUMICAST_XSPLAT_H
#define LUMICAST_XSPLAT_H

#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define C_PATH_MAX 128

extern void *lc_table_allocate(size_t size);
extern void lc_table_free(void *table);
extern void *lc_reallocate(void *block, size_t size);
#define c_malloc_uint32 lc_table_allocate
#define c_free_uint32 lc_table_free
#define c_realloc lc_reallocate

/* One processor, one thread: no atomics of GCC's, no locks. */
#define mxUseDefaultMachinePlatform 1
#define mxUseDefaultSharedChunks 1
#define mxUseDefaultCStackLimit 0

/* The first three belong to XS's Atomics; promiseJobs is set by fxQueuePromiseJobs. */
#define mxMachinePlatform \
  void *waiterCondition; \
  void *waiterData; \
  void *waiterLink; \
  int promiseJobs;

#endif
