/* Windows: clock, chance, files and adapter of the simulator. Written and compiled, never run. */
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <bcrypt.h>
#include <iphlpapi.h>
#include <share.h>
#include <stdlib.h>
#include <string.h>

#include "../native/board.h"
#include "os.h"
#include "os_win.h"

enum { ADAPTERS_BYTES = 65536 };

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

uint32_t os_win_adapter(uint8_t address[16])
{
  IP_ADAPTER_ADDRESSES *list = malloc(ADAPTERS_BYTES);
  ULONG size = ADAPTERS_BYTES;
  uint32_t found = 0;
  if (!list || GetAdaptersAddresses(AF_INET6, 0, NULL, list, &size) != NO_ERROR) {
    free(list);
    return 0;
  }
  for (IP_ADAPTER_ADDRESSES *a = list; a && !found; a = a->Next) {
    if (a->OperStatus != IfOperStatusUp || a->IfType == IF_TYPE_SOFTWARE_LOOPBACK) continue;
    for (IP_ADAPTER_UNICAST_ADDRESS *u = a->FirstUnicastAddress; u; u = u->Next) {
      const struct sockaddr_in6 *own = (const void *)u->Address.lpSockaddr;
      if (found && IN6_IS_ADDR_LINKLOCAL(&own->sin6_addr)) continue;
      memcpy(address, &own->sin6_addr, 16);
      found = a->Ipv6IfIndex;
    }
  }
  free(list);
  return found;
}
