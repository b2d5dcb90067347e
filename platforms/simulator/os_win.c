/* Windows: clock, chance and files of the simulator. Written and compiled, never run. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <bcrypt.h>
#include <share.h>
#include <stdlib.h>

#include "../native/board.h"
#include "os.h"

#ifdef _MSC_VER
#pragma comment(lib, "bcrypt.lib") /* the SDK's makefile links the others */
#endif

uint64_t board_micros(void)
{
  static LARGE_INTEGER frequency, boot;
  LARGE_INTEGER now;
  uint64_t ticks;
  QueryPerformanceCounter(&now);
  if (boot.QuadPart == 0) {
    QueryPerformanceFrequency(&frequency);
    boot = now;
  }
  ticks = (uint64_t)(now.QuadPart - boot.QuadPart);
  return ticks / (uint64_t)frequency.QuadPart * 1000000 +
      ticks % (uint64_t)frequency.QuadPart * 1000000 / (uint64_t)frequency.QuadPart;
}

bool board_random(void *into, size_t size)
{
  return BCryptGenRandom(NULL, into, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0;
}

const char *os_state_folder(void)
{
  return getenv("LOCALAPPDATA");
}

bool os_make_folder(const char *path)
{
  return CreateDirectoryA(path, NULL) || GetLastError() == ERROR_ALREADY_EXISTS;
}

FILE *os_open_alone(const char *path)
{
  FILE *made = _fsopen(path, "ab", _SH_DENYRW);
  if (!made) return NULL;
  fclose(made);
  return _fsopen(path, "r+b", _SH_DENYRW);
}
