/* The way out of the emulator, and newlib's system calls over it. A board would have neither. */
#include "board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE0 = 4, SYS_WRITE = 5, SYS_EXIT_EXTENDED = 0x20 };
enum { EXIT_ABORTED = 134 };
enum { OPEN_WRITE_BINARY = 5, APPLICATION_EXIT = 0x20026 };

static int semihost(int operation, const void *argument)
{
  register int r0 __asm("r0") = operation;
  register const void *r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void semihost_exit(int code)
{
  const uint32_t block[2] = {APPLICATION_EXIT, (uint32_t)code};
  for (;;) semihost(SYS_EXIT_EXTENDED, block);
}

void semihost_print(const char *text)
{
  semihost(SYS_WRITE0, text);
}

bool semihost_save(const char *path, const void *bytes, size_t size)
{
  const uint32_t open[3] = {(uint32_t)path, OPEN_WRITE_BINARY, strlen(path)};
  uint32_t write[3] = {0, (uint32_t)bytes, size};
  int file = semihost(SYS_OPEN, open);
  bool good;
  if (file < 0) return false;
  write[0] = (uint32_t)file;
  good = semihost(SYS_WRITE, write) == 0;
  return semihost(SYS_CLOSE, write) == 0 && good;
}

/*
 * In place of newlib's, whose exact rounding takes 11 KB: the medium's lines have whole numbers up
 * to 2^53 and short fractions.
 */
double strtod(const char *text, char **end)
{
  double value = 0, scale = 1;
  bool negative = *text == '-';
  int exponent = 0;
  if (*text == '-') text++;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++, scale *= 10)
      value = value * 10 + (*text - '0');
  if (*text == 'e' || *text == 'E') exponent = (int)strtol(text + 1, (char **)&text, 10);
  for (; exponent > 0; exponent--) value *= 10;
  for (; exponent < 0; exponent++) scale *= 10;
  if (end) *end = (char *)text;
  return (negative ? -value : value) / scale;
}

uint8_t *heap_next = bss_end;
uint8_t *heap_end = stack_low;

void *_sbrk(ptrdiff_t size);
void *_sbrk(ptrdiff_t size)
{
  uint8_t *old = heap_next;
  if (size > heap_end - heap_next) {
    errno = ENOMEM;
    return (void *)-1;
  }
  heap_next += size;
  return old;
}

int _write(int file, const char *bytes, int size);
int _write(int file, const char *bytes, int size)
{
  char text[129];
  (void)file;
  for (int done = 0; done < size;) {
    int part = size - done < 128 ? size - done : 128;
    memcpy(text, bytes + done, (size_t)part);
    text[part] = 0;
    semihost_print(text);
    done += part;
  }
  return size;
}

_Noreturn void _exit(int code);
_Noreturn void _exit(int code)
{
  semihost_exit(code);
}

/* Newlib's raises a signal first. */
_Noreturn void abort(void)
{
  semihost_print("lumicast: aborted\n");
  semihost_exit(EXIT_ABORTED);
}

/* Nothing below is there: newlib wants to link with it. */
int _close(int file);
int _close(int file)
{
  (void)file;
  return -1;
}

int _read(int file, char *bytes, int size);
int _read(int file, char *bytes, int size)
{
  (void)file;
  (void)bytes;
  (void)size;
  return 0;
}

int _lseek(int file, int offset, int from);
int _lseek(int file, int offset, int from)
{
  (void)file;
  (void)offset;
  (void)from;
  return 0;
}

int _fstat(int file, struct stat *status);
int _fstat(int file, struct stat *status)
{
  (void)file;
  status->st_mode = S_IFCHR;
  return 0;
}

int _isatty(int file);
int _isatty(int file)
{
  (void)file;
  return 1;
}

int _getpid(void);
int _getpid(void)
{
  return 1;
}

int _kill(int process, int signal);
int _kill(int process, int signal)
{
  (void)process;
  semihost_exit(128 + signal);
}

/* There is no calendar: the clock port says so, and nobody asks XS's Date. */
int _gettimeofday(void *time, void *zone);
int _gettimeofday(void *time, void *zone)
{
  (void)zone;
  memset(time, 0, sizeof(uint64_t) + sizeof(uint32_t));
  return 0;
}
