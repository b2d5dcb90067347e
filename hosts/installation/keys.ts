/** Reads the security groups of an installation file: keys in the words of their profile. */
import type { Field } from "./field.js";
import { SCHEMES, type Word } from "./schemes.js";
import type {
  GroupKey,
  KeyTerms,
  KeyWord,
  MemberGroup,
  MemberProfile,
  Policies,
  Repository,
  SchemeKey,
  SecurityGroup,
} from "./types.js";
import { PROFILES, SIGNATURE_POLICIES, SYNCHRONISATION_POLICIES } from "./types.js";

/** What modules/device/provision.ts takes. */
const SECURITY_GROUP_MAX = 0xff_ffff;
/** modules/groups/members.ts: groups with a table of members have ids below this. */
const MEMBER_GROUP_MAX = 0xf_ffff;
const GRACE_SECONDS_MAX = 0x7fff_ffff;
const LIFE_MAX = 0xffff_fffe;
const HOURS_MAX = 1_000_000;
const COAP_PORT = 5683;
const PATH_EXAMPLE = "ace-group/hall/creds";
const SECRET_EXAMPLE = "00112233 … ccddeeff";

const SHARED_FIELDS = ["id", "profile", "graceSeconds", "keys"];
const TERMS = ["validityHours", "messages"];

export function readSecurityGroup(at: Field): SecurityGroup {
  const word = at.member("profile");
  const profile = word.choice(PROFILES) ?? "lowlatency";
  const grace = at.member("graceSeconds");
  const graceSeconds = (grace.present ? grace.integer(0, GRACE_SECONDS_MAX) : undefined) ?? 60;
  const keys = at.member("keys");
  if (profile === "lowlatency") {
    at.object(SHARED_FIELDS);
    const id = at.member("id").integer(0, SECURITY_GROUP_MAX) ?? 0;
    return { id, profile, graceSeconds, keys: keysAt(keys).map(readKey) };
  }
  at.object([...SHARED_FIELDS, ...ownFields(profile)]);
  return {
    id: at.member("id").integer(0, MEMBER_GROUP_MAX) ?? 0,
    profile,
    graceSeconds,
    keys: keysAt(keys).map((key) => readSchemeKey(key, profile)),
    ...readOwnFields(at, profile),
  };
}

/** None, where an authority gives them. */
function keysAt(at: Field): Field[] {
  return at.present ? at.items("keys", 1) : [];
}

/** What groups of this profile have beside what all have. */
function ownFields(profile: MemberProfile): string[] {
  if (profile === "oscore") return ["pair", "renegotiate", "policies"];
  return profile === "dtls-record" ? ["bindSources"] : ["policies", "repository"];
}

function readOwnFields(
  at: Field,
  profile: MemberProfile,
): Pick<MemberGroup, "policies" | "pair" | "renegotiate" | "bindSources" | "repository"> {
  const renews = at.member("renegotiate");
  const binds = at.member("bindSources");
  const policies = at.member("policies");
  const { signs } = SCHEMES[profile];
  const repository = signs ? readRepository(at.member("repository")) : undefined;
  return {
    ...(repository === undefined ? {} : { repository }),
    pair: profile === "oscore" ? readPair(at.member("pair")) : undefined,
    renegotiate: profile === "oscore" && renews.present && renews.boolean() === true,
    bindSources: profile === "dtls-record" && binds.present && binds.boolean() === true,
    policies: profile !== "dtls-record" && policies.present ? readPolicies(policies, signs) : {},
  };
}

function readPair(at: Field): readonly [string, string] {
  const names = at.items("the names of two devices").map((name) => name.text("lamp-1") ?? "");
  if (names.length === 2 && names[0] !== names[1]) return [names[0], names[1]];
  if (names.length > 0) at.fault("is no pair", 'give two devices: ["switch-1", "lamp-1"]');
  return ["", ""];
}

function readRepository(at: Field): Repository | undefined {
  if (!at.present || !at.object(["device", "port", "path"])) return undefined;
  const port = at.member("port");
  const path = at.member("path").text(PATH_EXAMPLE);
  if (path?.split("/").includes("") === true) {
    const right = `give segments with one slash between two, for example "${PATH_EXAMPLE}"`;
    at.member("path").fault(`"${path}" has an empty segment`, right);
  }
  return {
    device: at.member("device").text("desk") ?? "",
    port: (port.present ? port.integer(1, 65535) : undefined) ?? COAP_PORT,
    path: path ?? "",
  };
}

function readPolicies(at: Field, signs: boolean): Policies {
  const signing = signs ? ["signatures", "acceptUnverified"] : [];
  if (!at.object([...signing, "synchronisation", "gapMax"])) return {};
  const synchronisation = at.member("synchronisation");
  const gap = at.member("gapMax");
  const gapMax = gap.present ? gap.integer(1, LIFE_MAX) : undefined;
  const kept = synchronisation.present
    ? synchronisation.choice(SYNCHRONISATION_POLICIES)
    : undefined;
  return {
    ...(signs ? readSignatures(at) : {}),
    ...(kept === undefined ? {} : { synchronisation: kept }),
    ...(gapMax === undefined ? {} : { gapMax }),
  };
}

/** Whoever lets unverified commands pass has to say that he knows what that is. */
function readSignatures(at: Field): Policies {
  const field = at.member("signatures");
  const flag = at.member("acceptUnverified");
  const signatures = field.present ? field.choice(SIGNATURE_POLICIES) : undefined;
  const isAccepted = flag.present && flag.boolean() === true;
  const skips = signatures !== undefined && signatures !== "always";
  if (skips && !isAccepted) {
    field.fault(
      `"${signatures}" lets any member pose as another until a signature is verified`,
      'say "acceptUnverified": true beside it if that is meant, or "always"',
    );
  }
  return {
    ...(signatures === undefined ? {} : { signatures }),
    ...(isAccepted ? { acceptUnverified: true } : {}),
  };
}

function readKey(at: Field): GroupKey {
  at.object(["keyId", "key", ...TERMS]);
  return {
    keyId: at.member("keyId").integer(0, Number.MAX_SAFE_INTEGER) ?? 0,
    key: readSecret(at.member("key"), 16, 16) ?? new Uint8Array(16),
    ...readTerms(at),
  };
}

function readTerms(at: Field): KeyTerms {
  const hours = at.member("validityHours");
  const messages = at.member("messages");
  return {
    validityHours: hours.present ? hours.number(0.01, HOURS_MAX) : undefined,
    messages: messages.present ? messages.integer(1, LIFE_MAX) : undefined,
  };
}

function readSecret(at: Field, min: number, max: number): Uint8Array | undefined {
  const bytes = at.hex({ min, max, secret: true, example: SECRET_EXAMPLE });
  if (bytes?.every((byte) => byte === 0)) {
    at.fault("is all zeros", `give ${min} random bytes: openssl rand -hex ${min}`);
  }
  return bytes;
}

/** What a device shows to an authority. */
export function readFactoryKey(at: Field): Uint8Array | undefined {
  return at.present ? readSecret(at, 16, 16) : undefined;
}

/** Of an Ed25519 key. */
export function readSeed(at: Field): Uint8Array | undefined {
  return at.present ? readSecret(at, 32, 32) : undefined;
}

function readSchemeKey(at: Field, profile: MemberProfile): SchemeKey {
  const { words } = SCHEMES[profile];
  const names = Object.keys(words);
  at.object([...names, ...TERMS]);
  const read = names.map((name) => [name, readWord(at.member(name), words[name])] as const);
  return { words: Object.fromEntries(read), ...readTerms(at) };
}

function readWord(at: Field, word: Word): KeyWord {
  if (!at.present && word.standard !== undefined) return word.standard;
  if (word.kind === "integer") return at.integer(word.min, word.max) ?? word.min;
  if (word.kind === "choice") return at.choice(word.of) ?? word.of[0];
  const { min, max, secret } = word;
  const bytes = secret
    ? readSecret(at, min, max)
    : at.hex({ min, max, example: "b1f05c".padEnd(2 * min, "0") });
  return bytes ?? new Uint8Array(min);
}
