/*
 * make unit: the C files without XS or a socket in them, under the address and undefined-behaviour
 * sanitizers: the control line parser with good lines, every cut of them and garbage; the flash's
 * rules and faults; AES-CCM, SHA-256, HMAC and HKDF against published vectors; the receive path's
 * native help (unit_intake.c).
 * Prints one line for each test, and exits 1 if one failed. An argument seeds the garbage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../native/aesccm.h"
#include "../native/nor.h"
#include "../native/sha256.h"
#include "control.h"
#include "json.h"
#include "unit.h"

static int failures;
static int faults;
static uint64_t chance_state;

void unit_check(bool good, const char *what, const char *file, int line)
{
  if (good || faults++ >= 5) return;
  printf("  %s:%d: %s\n", file, line, what);
}

uint64_t chance(void)
{
  uint64_t z = chance_state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

/* The line in a block of exactly its size, so that reading beyond it is seen. */
static bool parse(const char *line, size_t size, struct message *message)
{
  const char *reason;
  char *copy = malloc(size ? size : 1);
  bool good;
  memcpy(copy, line, size);
  good = control_parse(copy, size, message, &reason);
  free(copy);
  return good;
}

static bool accepts(const char *line)
{
  struct message message;
  return parse(line, strlen(line), &message);
}

static void control_good_lines(void)
{
  struct message m;
  const char *line =
    " { \"events\" : [ {\"at\":5,\"frame\":\"00fFa5\",\"more\":{\"x\":[1,null,\"\\u00e9\"]}},"
    "{\"acked\":true,\"transmitted\":false,\"sent\":9,\"at\":5},{\"at\":6,\"button\":true},"
    "{\"at\":6,\"motion\":false},{\"at\":7,\"lux\":12.5e1},{\"at\":7,\"lampFailed\":true}],"
    "\"grant\":9007199254740991}\r";
  CHECK(parse(line, strlen(line), &m));
  CHECK(m.request == REQUEST_GRANT && m.grant == 9007199254740991u && m.event_count == 6);
  CHECK(m.events[0].kind == EVENT_FRAME && m.events[0].size == 3 && m.events[0].frame[1] == 0xff);
  CHECK(m.events[1].kind == EVENT_SENT && m.events[1].id == 9);
  CHECK(m.events[1].flag && !m.events[1].transmitted);
  CHECK(m.events[2].kind == EVENT_BUTTON && m.events[2].flag && m.events[2].at == 6);
  CHECK(m.events[3].kind == EVENT_MOTION && !m.events[3].flag);
  CHECK(m.events[4].kind == EVENT_LUX && m.events[4].lux == 125);
  CHECK(m.events[5].kind == EVENT_LAMP && m.events[5].flag);
  CHECK(accepts("{\"grant\":0}"));
  CHECK(accepts("{\"usage\":true}"));
  CHECK(accepts("{\"stop\":true}"));
}

static void control_bad_lines(void)
{
  static const char *const lines[] = {
    "", "{}", "[]", "null", "{\"grant\":-1}", "{\"grant\":1.5}", "{\"grant\":\"1\"}",
    "{\"grant\":9007199254740992}", "{\"grant\":1e400}", "{\"grant\":01}", "{\"grant\":1,}",
    "{\"grant\":1} {}", "{\"grant\":1}x", "{'grant':1}", "{\"grant\":1,\"events\":{}}",
    "{\"grant\":1,\"events\":[{\"at\":0}]}", "{\"grant\":1,\"events\":[{\"button\":true}]}",
    "{\"grant\":1,\"events\":[{\"at\":2,\"button\":true}]}",
    "{\"grant\":9,\"events\":[{\"at\":2,\"button\":true},{\"at\":1,\"button\":false}]}",
    "{\"grant\":9,\"events\":[{\"at\":2,\"button\":1}]}",
    "{\"grant\":9,\"events\":[{\"at\":2,\"button\":true,\"lux\":1}]}",
    "{\"grant\":9,\"events\":[{\"at\":2,\"frame\":\"abc\"}]}",
    "{\"grant\":9,\"events\":[{\"at\":2,\"frame\":\"zz\"}]}",
    "{\"grant\":9,\"events\":[{\"at\":2,\"sent\":1,\"acked\":true}]}",
    "{\"grant\":9,\"events\":[{\"at\":2,\"sent\":4294967296,\"acked\":true,\"transmitted\":true}]}",
    "{\"census\":1}",
    "{\"grant\":9,\"events\":[,]}", "{\"grant\":9,\"events\":[]]}", "{\"usage\":false}",
    "{\"grant\":9,\"x\":\"\\ud800\"}", "{\"grant\":9,\"x\":\"\\q\"}", "{\"grant\":9,\"x\":\"\t\"}",
    "{\"grant\":9,\"x\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
  };
  char frame[400] = "{\"grant\":9,\"events\":[{\"at\":2,\"frame\":\"";
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    if (accepts(lines[i])) printf("  accepted: %s\n", lines[i]);
    CHECK(!accepts(lines[i]));
  }
  memset(frame + strlen(frame), 'a', 2 * FRAME_MAX_BYTES + 2);
  strcat(frame, "\"}]}");
  CHECK(!accepts(frame)); /* a frame of 128 bytes */
}

static const char sample[] =
  "{\"grant\":70,\"events\":[{\"at\":1,\"frame\":\"0102ff\"},{\"at\":2,\"sent\":1,\"acked\":true,"
  "\"transmitted\":true},{\"at\":3,\"lux\":-1.5E+2},{\"at\":4,\"x\":\"\\ud83d\\ude00\\n\","
  "\"button\":false}]}";

static void control_cut_lines(void)
{
  struct message message;
  CHECK(accepts(sample));
  for (size_t size = 0; size < sizeof sample - 1; size++) CHECK(!parse(sample, size, &message));
}

/* Whatever comes in: no crash, no read beyond the line, and what is accepted keeps its promises. */
static void control_garbage(void)
{
  static const char alphabet[] = "{}[]\",:\\0123456789.eE+-truefalsnu grantevxm\x01\xff\n";
  char line[300];
  for (int round = 0; round < 200000; round++) {
    struct message message;
    size_t size = chance() % sizeof line;
    if (round & 1) { /* a good line with a few bytes changed */
      size = sizeof sample - 1;
      memcpy(line, sample, size);
      for (uint64_t n = chance() % 6; n; n--)
        line[chance() % size] = alphabet[chance() % (sizeof alphabet - 1)];
    } else {
      for (size_t i = 0; i < size; i++) line[i] = alphabet[chance() % (sizeof alphabet - 1)];
    }
    if (!parse(line, size, &message)) continue;
    for (size_t i = 0; i < message.event_count; i++) {
      CHECK(message.events[i].at <= message.grant);
      CHECK(i == 0 || message.events[i - 1].at <= message.events[i].at);
      CHECK(message.events[i].size <= FRAME_MAX_BYTES);
    }
  }
}

static void json_strings(void)
{
  struct json j;
  char out[8];
  const char *text = "\"\\u0041\\u00e9\\u20ac\"";
  json_open(&j, text, strlen(text));
  CHECK(json_string(&j, out, sizeof out) && !strcmp(out, "A\xc3\xa9\xe2\x82\xac"));
  json_open(&j, text, strlen(text));
  CHECK(!json_string(&j, out, 6)); /* does not fit: a fault, not a cut */
  json_open(&j, "\"\\u0000\"", 8);
  CHECK(!json_string(&j, out, sizeof out));
}

struct flash {
  struct nor nor;
  uint8_t bytes[2 * NOR_SECTOR_BYTES];
  uint8_t used[2 * NOR_SECTOR_BYTES / 4 / 8];
};

static void flash_start(struct flash *f, uint32_t unit)
{
  memset(f, 0, sizeof *f);
  memset(f->bytes, 0xFF, sizeof f->bytes);
  f->nor.bytes = f->bytes;
  f->nor.used = f->used;
  f->nor.size = sizeof f->bytes;
  f->nor.unit = unit;
  nor_derive_map(&f->nor);
}

static void nor_rules(uint32_t unit)
{
  static struct flash f;
  uint8_t data[32];
  uint8_t blank[32];
  memset(data, 0xA5, sizeof data);
  memset(blank, 0xFF, sizeof blank);
  flash_start(&f, unit);
  CHECK(nor_map_bytes(f.nor.size, unit) <= sizeof f.used);
  CHECK(nor_program(&f.nor, unit, data, unit) == NOR_OK && f.bytes[unit] == 0xA5);
  CHECK(nor_program(&f.nor, unit, blank, unit) == NOR_REFUSED);
  CHECK(nor_program(&f.nor, 0, data, 2 * unit) == NOR_REFUSED && f.bytes[0] == 0xFF);
  CHECK(nor_program(&f.nor, 2 * unit, blank, unit) == NOR_OK); /* blank data counts, too */
  CHECK(nor_program(&f.nor, 2 * unit, data, unit) == NOR_REFUSED);
  CHECK(nor_program(&f.nor, unit + 1, data, unit) == NOR_MISUSED);
  CHECK(nor_program(&f.nor, 0, data, unit - 1) == NOR_MISUSED);
  CHECK(nor_program(&f.nor, f.nor.size, data, unit) == NOR_MISUSED);
  CHECK(nor_program(&f.nor, 0xFFFFFFF0u, data, 32) == NOR_MISUSED);
  CHECK(nor_erase(&f.nor, 5) == NOR_MISUSED && nor_erase(&f.nor, f.nor.size) == NOR_MISUSED);
  CHECK(f.nor.operations == 2);
  CHECK(nor_program(&f.nor, NOR_SECTOR_BYTES, data, unit) == NOR_OK);
  CHECK(nor_erase(&f.nor, 0) == NOR_OK && f.bytes[unit] == 0xFF);
  CHECK(f.bytes[NOR_SECTOR_BYTES] == 0xA5); /* the other sector is left alone */
  CHECK(nor_program(&f.nor, unit, data, unit) == NOR_OK);
}

static void flash_rules(void)
{
  nor_rules(4);
  nor_rules(16);
}

static void flash_fault_texts(void)
{
  static const char *const bad[] = {
    "", "1", "1:not", "0:not:1", "1:maybe:1", "1:torn:", "1:torn:x", ":torn:1", "-1:not:1",
    "1:not:1x", "1:notdone:1",
  };
  struct nor nor = {0};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!nor_add_fault(&nor, bad[i]));
  CHECK(nor_add_fault(&nor, "17:torn:4") && nor.faults[0].operation == 17);
  CHECK(nor.faults[0].mode == NOR_FAULT_TORN && nor.faults[0].seed == 4);
  for (int i = 1; i < NOR_FAULTS_MAX; i++) CHECK(nor_add_fault(&nor, "1:done:0"));
  CHECK(!nor_add_fault(&nor, "1:done:0"));
}

static void flash_faults(void)
{
  static struct flash f, again;
  uint8_t data[64];
  unsigned cleared = 0, wanted = 0, blank = 0;
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)chance();
  flash_start(&f, 4);
  CHECK(nor_add_fault(&f.nor, "1:not:0") && nor_add_fault(&f.nor, "2:torn:7"));
  CHECK(nor_add_fault(&f.nor, "3:done:0") && nor_add_fault(&f.nor, "4:torn:8"));
  CHECK(nor_program(&f.nor, 0, data, 64) == NOR_CUT && f.bytes[0] == 0xFF);
  CHECK(nor_program(&f.nor, 0, data, 64) == NOR_CUT);
  for (size_t i = 0; i < sizeof data; i++) {
    CHECK((f.bytes[i] & data[i]) == data[i]); /* no bit cleared that had to stay */
    wanted += (unsigned)__builtin_popcount((uint8_t)~data[i]);
    cleared += (unsigned)__builtin_popcount((uint8_t)~f.bytes[i]);
  }
  CHECK(cleared > 0 && cleared < wanted);
  CHECK(nor_program(&f.nor, 0, data, 64) == NOR_REFUSED);
  again = f;
  CHECK(nor_program(&f.nor, 64, data, 64) == NOR_CUT && !memcmp(f.bytes + 64, data, 64));
  CHECK(nor_erase(&f.nor, 0) == NOR_CUT);
  for (int i = 0; i < NOR_SECTOR_BYTES; i++) blank += f.bytes[i] == 0xFF;
  CHECK(blank < 64 && f.bytes[NOR_SECTOR_BYTES] == 0xFF);
  CHECK(nor_program(&f.nor, 2048, data, 64) == NOR_REFUSED); /* not before another erase */
  CHECK(nor_erase(&f.nor, 0) == NOR_OK && nor_program(&f.nor, 2048, data, 64) == NOR_OK);
  flash_start(&f, 4); /* the same seed tears the same way */
  CHECK(nor_add_fault(&f.nor, "1:torn:7") && nor_program(&f.nor, 0, data, 64) == NOR_CUT);
  CHECK(!memcmp(f.bytes, again.bytes, 64));
}

size_t hex(const char *text, uint8_t *out)
{
  size_t size = strlen(text) / 2;
  for (size_t i = 0; i < size; i++) {
    char digits[3] = {text[2 * i], text[2 * i + 1], 0};
    out[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return size;
}

struct ccm_vector {
  const char *key, *nonce, *aad, *plain, *sealed;
  int algorithm;
};

static void one_ccm(const struct ccm_vector *v)
{
  uint8_t key[16], nonce[13], aad[64], plain[64], sealed[80], out[80];
  struct ccm_box box = {nonce, aad, hex(v->aad, aad), ccm_sizes(v->algorithm)};
  size_t size = hex(v->plain, plain), sealed_size = hex(v->sealed, sealed);
  struct aes128 aes;
  hex(v->key, key);
  hex(v->nonce, nonce);
  aes128_set_key(&aes, key);
  CHECK(ccm_seal(&aes, &box, plain, size, out) && !memcmp(out, sealed, sealed_size));
  CHECK(ccm_open(&aes, &box, sealed, sealed_size, out) && !memcmp(out, plain, size));
  for (size_t bit = 0; bit < 8 * sealed_size; bit++) {
    uint8_t sum = 0;
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    CHECK(!ccm_open(&aes, &box, sealed, sealed_size, out));
    for (size_t i = 0; i < size; i++) sum |= out[i];
    CHECK(sum == 0); /* no unverified plaintext is left */
    sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  CHECK(!ccm_open(&aes, &box, sealed, box.sizes.tag - 1u, out));
  box.sizes.nonce = CCM_NONCE_BYTES + 1;
  CHECK(!ccm_seal(&aes, &box, plain, size, out));
  box.sizes.nonce = CCM_NONCE_BYTES_MIN - 1;
  CHECK(!ccm_seal(&aes, &box, plain, size, out));
  box.sizes = (struct ccm_sizes){4, CCM_NONCE_BYTES};
  CHECK(!ccm_seal(&aes, &box, plain, size, out));
}

static void ccm_vectors(void)
{
  static const struct ccm_vector vectors[] = {
    /* RFC 3610 section 8, packet vectors 1 and 3 */
    {"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "00000003020100a0a1a2a3a4a5", "0001020304050607",
     "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
     "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0", 10},
    {"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "00000005040302a0a1a2a3a4a5", "0001020304050607",
     "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
     "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da8596574adaa76fbd9fb0c5", 10},
    /* cose-wg/Examples, AES-CCM-ENC-02 and -03 */
    {"849b57219dae48de646d07dbb533566e", "89f52f65a1c580933b5261a72f",
     "8368456e63727970743044a101181e40", "546869732069732074686520636f6e74656e742e",
     "6899da0a132bd2d2b9b10915743ee1f7b92a4680903f2c00d37e14d4ebdc7ef2c03cf5a9", 30},
    {"849b57219dae48de646d07dbb533566e", "89f52f65a1c580", "8368456e63727970743043a1010c40",
     "546869732069732074686520636f6e74656e742e",
     "191bd858dec79fc11da3428bdfa446ac240d591ffcf91eeb8035f87a", 12},
    /* Wycheproof aes_ccm 366 */
    {"c08339a6f80b84e201e3d6030cdb3f02", "1cbf2ca31330abe749db588b",
     "b535a847dfc962012d913a4076f58f9f",
     "4f9fd6ad1656cce99af7469960073a241569ce32dad558111b50306053a0b6",
     "c91d4c8bf7fdba49b87001fc3ec95f455ba32bc05ba336bc3d58f4ad08b5bc34d622fe4ba3cac5",
     AES_128_CCM_8},
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) one_ccm(&vectors[i]);
  CHECK(ccm_sizes(0).tag == 0 && ccm_sizes(11).tag == 0 && ccm_sizes(31).tag == 0);
}

/* Both implementations of AES, on blocks of chance: the hardware's where there is one. */
static void aes_agree(void)
{
  for (int round = 0; round < 2000; round++) {
    uint8_t key[16], block[16], a[16], b[16];
    struct aes128 aes;
    struct aes128_portable portable;
    for (int i = 0; i < 16; i++) {
      key[i] = (uint8_t)chance();
      block[i] = (uint8_t)chance();
    }
    aes128_set_key(&aes, key);
    aes128_portable_set_key(&portable, key);
    aes128_encrypt(&aes, block, a);
    aes128_portable_encrypt(&portable, block, b);
    CHECK(!memcmp(a, b, 16));
  }
}

static void aes_fips(void)
{
  uint8_t key[16], block[16], expected[16];
  struct aes128_portable aes;
  hex("000102030405060708090a0b0c0d0e0f", key); /* FIPS 197 appendix C.1 */
  hex("00112233445566778899aabbccddeeff", block);
  hex("69c4e0d86a7b0430d8cdb78070b4c55a", expected);
  aes128_portable_set_key(&aes, key);
  aes128_portable_encrypt(&aes, block, block);
  CHECK(!memcmp(block, expected, 16));
}

static void sha256_vectors(void)
{
  uint8_t expected[32], digest[32], data[1000];
  struct sha256 hash;
  memset(data, 'a', sizeof data);
  sha256_start(&hash); /* FIPS 180-2 appendix B.3: a million times "a" */
  for (int i = 0; i < 1000; i++) sha256_add(&hash, data, sizeof data);
  sha256_finish(&hash, digest);
  hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", expected);
  CHECK(!memcmp(digest, expected, 32));
  sha256_start(&hash);
  sha256_add(&hash, NULL, 0);
  sha256_finish(&hash, digest);
  hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", expected);
  CHECK(!memcmp(digest, expected, 32));
}

/* RFC 5869 appendix A.1 and A.3; the second has neither salt nor info. */
static void hkdf_vectors(void)
{
  static uint8_t long_out[HKDF_MAX_BYTES];
  uint8_t secret[22], salt[13], info[10], out[42], expected[42];
  struct hkdf_input input = {salt, secret, info, sizeof salt, sizeof secret, sizeof info};
  memset(secret, 0x0b, sizeof secret);
  hex("000102030405060708090a0b0c", salt);
  hex("f0f1f2f3f4f5f6f7f8f9", info);
  hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
      expected);
  CHECK(hkdf(&input, out, 42) && !memcmp(out, expected, 42));
  input = (struct hkdf_input){NULL, secret, NULL, 0, sizeof secret, 0};
  hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
      expected);
  CHECK(hkdf(&input, out, 42) && !memcmp(out, expected, 42));
  CHECK(hkdf(&input, long_out, sizeof long_out) && !memcmp(long_out, expected, 42));
  CHECK(!hkdf(&input, long_out, HKDF_MAX_BYTES + 1));
}

void run(const char *name, void (*test)(void))
{
  faults = 0;
  test();
  printf("%s %s\n", faults ? "not ok" : "ok", name);
  failures += faults != 0;
}

int main(int count, char **words)
{
  chance_state = count > 1 ? strtoull(words[1], NULL, 10) : 1;
  run("control: good lines", control_good_lines);
  run("control: bad lines are refused", control_bad_lines);
  run("control: a line cut anywhere is refused", control_cut_lines);
  run("control: garbage does no harm", control_garbage);
  run("json: strings", json_strings);
  run("flash: NOR rules", flash_rules);
  run("flash: fault options", flash_fault_texts);
  run("flash: faults", flash_faults);
  run("aes: FIPS 197", aes_fips);
  run("aes: portable and hardware agree", aes_agree);
  run("ccm: RFC 3610, and every bit flipped", ccm_vectors);
  run("sha256: FIPS 180", sha256_vectors);
  run("hkdf: RFC 5869", hkdf_vectors);
  intake_tests();
  member_tests();
  slots_tests();
  if (signatures_tests) signatures_tests();
  if (p256_tests) p256_tests();
  return failures > 0;
}
