/**
 * The installation: who hangs where, who belongs to which group, who may do what, and the keys.
 *
 * Problem: until the authority (AS, KDC) exists, somebody has to tell every device its groups,
 * rights and keys, and the same facts drive the simulated radio (positions, losses). Rejected: one
 * file a device (the same key in twelve places, nothing checks that they agree) and a schema
 * library (its messages name its own rules, not ours, and it would be the hosts' only dependency
 * here). Choice: one JSON file for the whole installation, read by hand-written checks (`parse.ts`)
 * that name file, line, field, fault and remedy; each device then gets only its own part, as the
 * CBOR blob of `provisioning.ts`.
 *
 * The file, with units (see example/meeting-room.json; `?` marks what may be left out):
 *
 *     { "lumicast": 1,                            format version
 *       "name"?: "Meeting room", "seed"?: 7,
 *       "tokens"?: "expiring",                    else "any": devices of an authority take such,
 *                                                 too, that never end
 *       "network": { "pan": 43707,                IEEE 802.15.4 PAN id, 1-65534
 *                    "prefix": "fd6c:756d:6963:1::/64",
 *                    "rangeMetres"?: 30,          every pair within range hears each other ...
 *                    "loss"?: 0.05,               ... and loses this share of the frames (0-1)
 *                    "links"?: [{ "from": "a", "to": "b", "loss": 0.3 }],     one direction each
 *                    "border"?: { "eui64": "16 hex digits", "position": [x, y, z], "short"?: 9 } },
 *                                                 the border router; "border" in links
 *       "securityGroups": [{ "id": 1, "profile": "lowlatency", "graceSeconds"?: 60,
 *                            "keys"?: [{ "keyId": 1, "key": "32 hex digits",
 *                                       "validityHours"?: 8760, "messages"?: 1000000 }],
 *                                                 keys of other profiles: schemes.ts; without
 *                                                 any they come from an authority
 *                            "repository"?: { "device": "desk", "port"?: 5683,   of signed ones:
 *                                             "path": "ace-group/hall/creds" } }],   asked for keys
 *                                                 of unknown members, over "oscore"
 *       "applicationGroups": [{ "id": 1, "name"?: "room", "securityGroup": 1,
 *                               "address": "ff15::4c:1", "port"?: 5683 }],
 *       "unicastGroups"?: [{ "id": 2, "name"?: "stairs" }],       commanded member by member
 *       "devices": [{ "name": "lamp-1", "eui64": "16 hex digits", "role": "luminaire",
 *                     "position": [x, y, z], "router"?: true,    metres
 *                     "clientId"?: "hex", "short"?: 1,           else the EUI-64; place in the list
 *                     "signingSeed"?: "64 hex digits",           Ed25519, RFC 8032 §5.1.5. Secret
 *                     "factoryKey"?: "32 hex digits",            shown to an authority. Secret
 *                     "wifi"?: "fd00:6c75::1",                   its address: it is not on the mesh
 *                     "groups"?: [1], "target"?: 1, "settings"?: {} }],
 *       "rights": [{ "client": "switch-1", "groups"?: [1], "devices"?: ["lamp-1"], "level": 2 }],
 *       "settings"?: { "fadeSeconds": 0.5 } }                    for every device
 */

export const ROLES = ["luminaire", "switch", "presence", "daylight"] as const;
export type Role = (typeof ROLES)[number];

/** WIRE.md's names; `oscore` is between two, the others are a group's. */
export const PROFILES = [
  "lowlatency",
  "oscoap-00",
  "multicast-oscore-04",
  "group-oscore-02",
  "dtls-record",
  "group-oscore",
  "oscore",
] as const;
export type Profile = (typeof PROFILES)[number];
/** Those with a key for each member. */
export type MemberProfile = Exclude<Profile, "lowlatency">;

/** When a member's signature is verified (RFC 10021, drafts' Appendix F). */
export const SIGNATURE_POLICIES = ["always", "defer", "changes"] as const;
export type SignaturePolicy = (typeof SIGNATURE_POLICIES)[number];

/** What a server does about a sender whose numbers it cannot judge (drafts' Appendix E). */
export const SYNCHRONISATION_POLICIES = ["best-effort", "baseline", "challenge"] as const;
export type SynchronisationPolicy = (typeof SYNCHRONISATION_POLICIES)[number];

/** In the order of the firmware's numbers (modules/lighting/settings.ts, POWER_ON_...). */
export const POWER_ON = ["off", "on", "last"] as const;
export type PowerOn = (typeof POWER_ON)[number];

/** x, y, z in metres. */
export type Position = readonly [number, number, number];

export interface KeyTerms {
  /** Uptime the key lasts; undefined = no end. */
  readonly validityHours: number | undefined;
  /** Messages the key lasts; undefined = no end. */
  readonly messages: number | undefined;
}

/** Of `lowlatency`. */
export interface GroupKey extends KeyTerms {
  /** The KDC's number of the key, 0 to 2^53 - 1. */
  readonly keyId: number;
  /** 16 bytes. Secret. */
  readonly key: Uint8Array;
}

export type KeyWord = Uint8Array | number | string;

/** Of the other profiles, in the words of the file (schemes.ts). Some are secret. */
export interface SchemeKey extends KeyTerms {
  readonly words: Readonly<Record<string, KeyWord>>;
}

export interface Policies {
  readonly signatures?: SignaturePolicy;
  readonly synchronisation?: SynchronisationPolicy;
  /** A sender who leaves out more numbers than this is asked, or dropped, anew. */
  readonly gapMax?: number;
  /** Has to be said with any other signature policy than "always". */
  readonly acceptUnverified?: true;
}

/** Who has the public keys of a group's members (RFC 9594 §4.4). */
export interface Repository {
  /** A device's name: every member has an `oscore` context with it. */
  readonly device: string;
  readonly port: number;
  /** Without the first slash. */
  readonly path: string;
}

interface GroupTerms {
  readonly id: number;
  /** How long an older key is still accepted beside a newer one. */
  readonly graceSeconds: number;
}

/** One key serves all members. */
export interface SharedGroup extends GroupTerms {
  readonly profile: "lowlatency";
  readonly keys: readonly GroupKey[];
}

/** A key for each member, derived from what all have. */
export interface MemberGroup extends GroupTerms {
  readonly profile: MemberProfile;
  readonly keys: readonly SchemeKey[];
  readonly policies: Policies;
  /** Of schemes that sign. */
  readonly repository?: Repository;
  /** Of `oscore`: names of the two devices. */
  readonly pair: readonly [string, string] | undefined;
  /** Of `oscore`: contexts are derived from its keys, with random of both (RFC 8613 B.2). */
  readonly renegotiate: boolean;
  /** Of `dtls-record`: a member is heard only from its address on the mesh. */
  readonly bindSources: boolean;
}

export type SecurityGroup = SharedGroup | MemberGroup;

export interface ApplicationGroup {
  /** 0 to 2^32 - 1 (WIRE.md: the Application-Group-Id option has at most 4 bytes). */
  readonly id: number;
  readonly name: string;
  /** Id of the security group whose keys protect it. */
  readonly securityGroup: number;
  /** IPv6 multicast address, 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** A group without a multicast address: a command goes to each member in a datagram of its own. */
export interface UnicastGroup {
  readonly id: number;
  readonly name: string;
}

/** Behaviour a device starts with; what is left out keeps the firmware's default. */
export interface Settings {
  /** Of a command that names no fade; kept to 1/10 s. */
  readonly fadeSeconds?: number;
  /** What a luminaire shows after a power cut. */
  readonly powerOn?: PowerOn;
  /** How long a presence sensor keeps the light on. */
  readonly holdSeconds?: number;
  /** A daylight sensor switches on below, off above. */
  readonly luxLow?: number;
  readonly luxHigh?: number;
  /** Answers to a group request are spread over this time. */
  readonly leisureMs?: number;
  /** Bounds of a lamp that is on, 1 to 254. */
  readonly levelMin?: number;
  readonly levelMax?: number;
  /** Level a sensor switches to; 0 = the level each lamp had last. */
  readonly sensorLevel?: number;
  /** Scene a double press recalls. */
  readonly pressScene?: number;
  /** 1: a switch asks for execution reports and logs how many luminaires obeyed. */
  readonly reports?: number;
}

export interface Device {
  readonly name: string;
  /** 8 bytes, as printed on the label. */
  readonly eui64: Uint8Array;
  readonly role: Role;
  /** 1 to 8 bytes without leading zeros; the EUI-64 when the file names none. */
  readonly clientId: Uint8Array;
  /** Of its Ed25519 key, 32 bytes; a device without one signs nothing. Secret. */
  readonly signingSeed: Uint8Array | undefined;
  /**
   * The pre-shared key that it shows to an authority, 16 bytes, as its maker gave it; its name is
   * the EUI-64. Absent where an authority gives no keys. Secret.
   */
  readonly factoryKey?: Uint8Array;
  /** IEEE 802.15.4 short address. */
  readonly short: number;
  readonly position: Position;
  /** Forwards the frames of others. */
  readonly router: boolean;
  /** Its IPv6 address on Wi-Fi, 16 bytes, of a device that is not on the mesh. */
  readonly wifi?: Uint8Array;
  /**
   * Ids of the application groups it listens to; a switch or sensor follows its target by default.
   */
  readonly groups: readonly number[];
  /** Id of the application group a switch or sensor commands. */
  readonly target: number | undefined;
  readonly settings: Settings;
}

/**
 * `client` may do up to `level` on the members of `groups` and on the named `devices` themselves.
 */
export interface Right {
  /** A device's name. */
  readonly client: string;
  readonly groups: readonly number[];
  readonly devices: readonly string[];
  /**
   * 0 to 5. Whatever is protected with group keys stops at 2 all the same (ARCHITECTURE, decision
   * 8).
   */
  readonly level: number;
}

/** One direction of a radio link; overrides the range. Loss 1 = deaf. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly loss: number;
}

/** The border router, a node of the mesh that has no keys (hosts/border). */
export interface Border {
  readonly eui64: Uint8Array;
  readonly short: number;
  readonly position: Position;
}

export interface Network {
  readonly pan: number;
  /** First 8 bytes of the mesh-local addresses. */
  readonly prefix: Uint8Array;
  /** Undefined: only the links listed exist. */
  readonly rangeMetres: number | undefined;
  readonly loss: number;
  readonly links: readonly Link[];
  readonly border?: Border;
}

/** In `links`, and on the medium. */
export const BORDER = "border";

/** Which tokens the devices of an authority take (modules/groups/trust.ts). */
export const TOKEN_POLICIES = ["any", "expiring"] as const;
export type TokenPolicy = (typeof TOKEN_POLICIES)[number];

export interface Installation {
  readonly name: string;
  /** Everything random in a simulated run follows from it. */
  readonly seed: number;
  readonly network: Network;
  readonly securityGroups: readonly SecurityGroup[];
  readonly applicationGroups: readonly ApplicationGroup[];
  readonly unicastGroups: readonly UnicastGroup[];
  readonly devices: readonly Device[];
  readonly rights: readonly Right[];
  readonly settings: Settings;
  /** Ed25519 key of whoever signs firmware for its devices; without it they take none. */
  readonly firmwareKey?: Uint8Array | undefined;
  /** Absent: any. */
  readonly tokens?: TokenPolicy | undefined;
}

/** Level 2 is where group material ends (ARCHITECTURE, decision 8). */
export const GROUP_LEVEL_MAX = 2;
