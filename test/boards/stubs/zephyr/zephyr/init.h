#ifndef STUB_INIT_H
#define STUB_INIT_H
#define SYS_INIT(function, level, priority) \
  int (*const stub_init_##function)(void) = function; \
  enum { stub_priority_##function = priority }
#endif
