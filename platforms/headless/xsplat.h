/*
 * What XS asks of a platform, for Linux without GLib. XS includes this through XSPLATFORM in place
 * of its own lin_xs.h, which needs GLib and a debugger connection we have no use for.
 *
 * Three allocators are ours so that everything a device would have to keep in RAM is counted and
 * can be refused (memory.c): chunks and slots through fxAllocateChunks and fxAllocateSlots, the
 * key, name, symbol and alias tables through the two macros below. XS resizes the key table with
 * c_realloc, which other code uses for plain memory too: lc_reallocate tells the two apart.
 */
#ifndef LUMICAST_XSPLAT_H
#define LUMICAST_XSPLAT_H

#undef mxLinux
#define mxLinux 1
#define mxExport extern
#define mxImport extern
#define XS_FUNCTION_NORETURN __attribute__((noreturn))

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern void *lc_table_allocate(size_t size);
extern void lc_table_free(void *table);
extern void *lc_reallocate(void *block, size_t size);
#define c_malloc_uint32 lc_table_allocate
#define c_free_uint32 lc_table_free
#define c_realloc lc_reallocate

#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1
#define mxUseDefaultMachinePlatform 1
#define mxUseDefaultBuildKeys 1
#define mxUseDefaultParseScript 1
#define mxUseDefaultSharedChunks 1
#define mxUseDefaultDebug 1

/* The first three belong to XS's Atomics; promiseJobs is set by fxQueuePromiseJobs. */
#define mxMachinePlatform \
  void *waiterCondition; \
  void *waiterData; \
  void *waiterLink; \
  int promiseJobs;

#endif
