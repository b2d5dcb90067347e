/*
 * lumicast compile IN.js OUT.xsb: parses a bundle and writes its byte code. Only here is XS's
 * parser used; a device has none.
 *
 * A debug build also writes where each statement came from. XS's own fxParserSourceMap knows only
 * maps with one source, and a bundle has many, so after parsing every node of the syntax tree is
 * given the path and line that esbuild's source map holds for its line of the bundle; the code
 * generator then emits them, and `error.stack` names the .ts file without any work at run time.
 */
#include "xsAll.h"
#include "xsScript.h"

#include "host.h"
#include "json.h"
#include "linux.h"

struct text {
  char *bytes;
  size_t size, at;
};

struct place {
  int source; /* -1: no TypeScript line is known */
  int line;
};

static struct {
  const char *path;
  struct place *places; /* by line of the bundle, from 1 */
  int line_count;
  char **sources;
  int source_count;
  txParser *parser;
  txSymbol **symbols; /* of the sources */
} bundle;

static bool read_text(const char *path, struct text *text)
{
  FILE *file = fopen(path, "rb");
  size_t capacity = 1 << 16;
  memset(text, 0, sizeof *text);
  if (!file) return false;
  text->bytes = malloc(capacity);
  while (text->bytes) {
    text->size += fread(text->bytes + text->size, 1, capacity - 1 - text->size, file);
    if (feof(file) || ferror(file)) break;
    capacity *= 2;
    text->bytes = realloc(text->bytes, capacity);
  }
  if (!text->bytes || ferror(file)) {
    fclose(file);
    return false;
  }
  text->bytes[text->size] = 0;
  fclose(file);
  return true;
}

static int next_byte(void *stream)
{
  struct text *text = stream;
  return text->at < text->size ? (unsigned char)text->bytes[text->at++] : EOF;
}

/* One base-64 VLQ number of a source map; false at the end of a segment. */
static bool vlq(const char **p, int *value)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  unsigned long result = 0;
  unsigned shift = 0;
  for (;;) {
    const char *place = **p ? strchr(digits, **p) : NULL;
    unsigned digit;
    if (!place || shift > 30) return false;
    digit = (unsigned)(place - digits);
    (*p)++;
    result |= (unsigned long)(digit & 31) << shift;
    shift += 5;
    if (!(digit & 32)) break;
  }
  *value = result & 1 ? -(int)(result >> 1) : (int)(result >> 1);
  return true;
}

/* The first segment of a bundle line tells the line; a line without one is like the line above. */
static void read_mappings(const char *p)
{
  int source = 0, line = 0;
  struct place last = {-1, 0};
  for (int row = 1; row <= bundle.line_count; row++) {
    bool first = true;
    while (*p && *p != ';') {
      int field[5], count = 0;
      while (count < 5 && vlq(&p, &field[count])) count++;
      if (count >= 4) {
        source += field[1];
        line += field[2];
        if (first) last = (struct place){source, line + 1};
        first = false;
      }
      if (*p == ',') p++;
      else if (*p && *p != ';') return;
    }
    bundle.places[row] = last.source < bundle.source_count ? last : (struct place){-1, 0};
    if (*p) p++;
  }
}

/* Takes "x/.." and "." out of an absolute path, in place. */
static void normalize(char *path)
{
  char *to = path;
  for (char *from = path; *from;) {
    size_t length = 1 + strcspn(from + 1, "/");
    bool up = length == 3 && !strncmp(from, "/..", 3);
    if (up) while (to > path && *--to != '/');
    if (!up && length > 1 && !(length == 2 && from[1] == '.')) {
      memmove(to, from, length);
      to += length;
    }
    from += length;
  }
  *to = 0;
}

/* The map's paths are relative to the bundle's folder; a person wants them from where they are. */
static char *source_name(const char *source)
{
  char here[2048], whole[5000];
  const char *slash = strrchr(bundle.path, '/');
  int folder = slash ? (int)(slash - bundle.path) : 0;
  size_t length;
  if (!getcwd(here, sizeof here)) return strdup(source);
  length = strlen(here);
  if (*source == '/') snprintf(whole, sizeof whole, "%s", source);
  else snprintf(whole, sizeof whole, "%s/%.*s/%s", *bundle.path == '/' ? "" : here, folder,
      bundle.path, source);
  normalize(whole);
  if (!strncmp(whole, here, length) && whole[length] == '/') return strdup(whole + length + 1);
  return strdup(whole);
}

static void read_sources(struct json *j)
{
  char path[1024];
  if (!json_array(j)) return;
  while (json_item(j) && json_string(j, path, sizeof path)) {
    bundle.sources = realloc(bundle.sources, sizeof *bundle.sources * (bundle.source_count + 1));
    bundle.sources[bundle.source_count++] = source_name(path);
  }
}

static bool parse_map(const struct text *map)
{
  struct json j;
  char key[32];
  char *mappings = malloc(map->size + 1);
  bool found = false;
  json_open(&j, map->bytes, map->size);
  if (mappings && json_object(&j))
    while (json_key(&j, key, sizeof key)) {
      if (!strcmp(key, "sources")) read_sources(&j);
      else if (!strcmp(key, "mappings")) found = json_string(&j, mappings, map->size + 1);
      else json_skip(&j);
    }
  found = json_end(&j) && found;
  if (found) read_mappings(mappings);
  free(mappings);
  return found;
}

/* Looks for the last "//# sourceMappingURL=NAME" and reads NAME from the bundle's folder. */
static void read_map(const struct text *text)
{
  static const char mark[] = "\n//# sourceMappingURL=";
  const char *url = NULL, *slash = strrchr(bundle.path, '/');
  char path[4096];
  struct text map;
  bundle.line_count = 1;
  for (size_t i = 0; i < text->size; i++) bundle.line_count += text->bytes[i] == '\n';
  bundle.places = malloc(sizeof *bundle.places * (bundle.line_count + 1));
  for (int i = 0; i <= bundle.line_count; i++) bundle.places[i] = (struct place){-1, 0};
  for (const char *p = text->bytes; (p = strstr(p, mark)); p++) url = p + sizeof mark - 1;
  if (!url || !strncmp(url, "data:", 5)) return;
  snprintf(path, sizeof path, "%.*s%.*s", slash ? (int)(slash + 1 - bundle.path) : 0, bundle.path,
      (int)strcspn(url, "\r\n"), url);
  if (!read_text(path, &map) || !parse_map(&map))
    fprintf(stderr, "lumicast: %s is no source map; lines are those of the bundle\n", path);
  free(map.bytes);
}

static struct place place_of(int line)
{
  if (line < 1 || line > bundle.line_count) return (struct place){-1, line};
  return bundle.places[line].source < 0 ? (struct place){-1, line} : bundle.places[line];
}

static void report(void *console, txString path, txInteger line, txString format, va_list arguments)
{
  struct place place = place_of(line);
  (void)console;
  fprintf(stderr, "%s:%d: ", place.source < 0 ? path ? path : "?" : bundle.sources[place.source],
      place.line);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
}

#ifdef mxDebug
static void relocate(void *item, void *parameter)
{
  txNode *node = item;
  struct place place;
  if (!node || !node->description) return;
  if (node->path == bundle.parser->path) { /* else it was reached by another way already */
    place = place_of(node->line);
    if (place.source >= 0) {
      node->path = bundle.symbols[place.source];
      node->line = place.line;
    }
  }
  (*node->description->dispatch->distribute)(node, relocate, parameter);
}

static void relocate_tree(txParser *parser)
{
  bundle.parser = parser;
  bundle.symbols = calloc((size_t)bundle.source_count + 1, sizeof *bundle.symbols);
  for (int i = 0; i < bundle.source_count; i++)
    bundle.symbols[i] = fxNewParserSymbol(parser, bundle.sources[i]);
  relocate(parser->root, NULL);
}
#else
static void relocate_tree(txParser *parser)
{
  (void)parser;
}
#endif

/* The code generator wants a machine for two counters, nothing else. */
static txMachine counters;

static int generate(struct text *text, const char *out)
{
  static txParser parser; /* static: setjmp leaves it alone */
  static int result;
  txParserJump jump;
  txString name = NULL;
  fxInitializeParser(&parser, &counters, 64 * 1024, 1993);
  parser.firstJump = &jump;
  parser.reportError = report;
  result = EXIT_BAD_DATA;
  if (setjmp(jump.jmp_buf) == 0) {
    txScript *script;
    parser.path = fxNewParserSymbol(&parser, (txString)bundle.path);
#ifdef mxDebug
    fxParserTree(&parser, text, next_byte, mxDebugFlag, &name);
#else
    fxParserTree(&parser, text, next_byte, 0, &name);
#endif
    relocate_tree(&parser);
    fxParserHoist(&parser);
    fxParserBind(&parser);
    script = parser.errorCount ? NULL : fxParserCode(&parser);
    if (script && !parser.errorCount)
      result = image_write(out, script->codeBuffer, (uint32_t)script->codeSize,
          script->symbolsBuffer, (uint32_t)script->symbolsSize);
    if (script) fxDeleteScript(script);
  }
  fxTerminateParser(&parser);
  return result;
}

int compile(const char *in, const char *out)
{
  struct text text;
  if (!read_text(in, &text)) {
    fprintf(stderr, "lumicast: cannot read %s: %s\n", in, strerror(errno));
    return EXIT_BAD_DATA;
  }
  bundle.path = in;
  read_map(&text);
  return generate(&text, out);
}
