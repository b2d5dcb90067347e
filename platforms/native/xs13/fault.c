/*
 * How a device process ends when it cannot go on: one clear line on standard error (an uncaught
 * error adds its stack), the same text to the medium, and an exit code of its own for each kind.
 * Neither memory full nor stack overflow can be caught by JavaScript: XS aborts, as on a device.
 */
#include "xsAll.h"

#include "host.h"
#include "output.h"

static void finish(int code, const char *text)
{
  fflush(stdout);
  fprintf(stderr, "lumicast: %s\n", text);
  fflush(stderr);
  output_fatal(text);
  _exit(code);
}

_Noreturn void die(int code, const char *format, ...)
{
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  finish(code, text);
  _exit(code);
}

/* The innermost functions, read from the frames without allocating: the heap may be unusable. */
static void append_calls(txMachine *the, char *text, size_t size)
{
  const txSlot *frame = the->frame;
  const char *separator = "; innermost calls: ";
  for (int depth = 0; frame && depth < 6; frame = frame->next, depth++) {
    const txSlot *function = frame + 3;
    const txSlot *code;
    const txSlot *key = NULL;
    size_t used = strlen(text);
    if (function->kind != XS_REFERENCE_KIND || !function->value.reference) continue;
    code = function->value.reference->next;
    if (code && (code->kind == XS_CODE_KIND || code->kind == XS_CODE_X_KIND ||
                 code->kind == XS_CALLBACK_KIND) && code->ID != XS_NO_ID)
      key = fxGetKey(the, code->ID);
    if (!key || (key->kind != XS_KEY_KIND && key->kind != XS_KEY_X_KIND)) continue;
    snprintf(text + used, size - used, "%s%.60s", separator, key->value.key.string);
    separator = " < ";
  }
}

static void out_of_memory(txMachine *the)
{
  char text[1024];
  snprintf(text, sizeof text, "%s", memory_report(the));
  append_calls(the, text, sizeof text);
  finish(EXIT_OUT_OF_MEMORY, text);
}

static void stack_overflow(txMachine *the)
{
  char text[1024];
  snprintf(text, sizeof text, "stack overflow: %lu bytes (%ld slots) are full",
      (unsigned long)((the->stackTop - the->stackBottom) * sizeof(txSlot)),
      (long)(the->stackTop - the->stackBottom));
  append_calls(the, text, sizeof text);
  finish(EXIT_STACK_OVERFLOW, text);
}

/* A release build knows no lines and leaves "()" behind each name, or in place of one. */
static void tidy_places(const char *from, char *to, size_t size)
{
  static const char nameless[] = "\n at (anonymous)";
  const char *end = to + size - sizeof nameless;
  while (*from && to < end) {
    if (strncmp(from, "\n at ()", 7) == 0) {
      memcpy(to, nameless, sizeof nameless - 1);
      to += sizeof nameless - 1;
      from += 7;
    } else if (strncmp(from, " ()", 3) == 0 && (from[3] == '\n' || from[3] == 0)) {
      from += 3;
    } else {
      *to++ = *from++;
    }
  }
  *to = 0;
}

/* The exception's stack, or what String() makes of it; in its own frame because of setjmp. */
static void describe_exception(txMachine *the, char *text, size_t size)
{
  mxTry(the) {
    mxOverflow(-8);
    mxPush(mxException);
    if (mxIsReference(the->stack)) {
      mxDub();
      mxGetID(mxID(_stack));
      if (the->stack->kind != XS_STRING_KIND && the->stack->kind != XS_STRING_X_KIND) mxPop();
    }
    snprintf(text, size, "%s", fxToString(the, the->stack));
  }
  mxCatch(the) {
  }
}

static void uncaught(txMachine *the, const char *kind)
{
  static bool again;
  char stack[4096];
  char tidied[4096];
  char text[4200];
  if (again) finish(EXIT_UNCAUGHT, "an error while showing an uncaught error");
  again = true;
  strcpy(stack, "(it cannot be shown)");
  describe_exception(the, stack, sizeof stack);
  tidy_places(stack, tidied, sizeof tidied);
  snprintf(text, sizeof text, "%s: %s", kind, tidied);
  finish(EXIT_UNCAUGHT, text);
}

void report_exception(void *machine)
{
  uncaught(machine, "uncaught");
}

void fxAbort(txMachine *the, int status)
{
  switch (status) {
  case XS_NOT_ENOUGH_MEMORY_EXIT:
    out_of_memory(the);
    break;
  case XS_NO_MORE_KEYS_EXIT:
    finish(EXIT_OUT_OF_MEMORY, "out of memory: no key is left (keys are names of properties)");
    break;
  case XS_STACK_OVERFLOW_EXIT:
    stack_overflow(the);
    break;
  case XS_UNHANDLED_REJECTION_EXIT:
    uncaught(the, "unhandled rejection");
    break;
  case XS_UNHANDLED_EXCEPTION_EXIT:
    uncaught(the, "uncaught");
    break;
  default:
    die(EXIT_UNCAUGHT, "the engine stopped with status %d", status);
  }
}
