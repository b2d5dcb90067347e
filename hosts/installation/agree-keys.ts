import { equalBytes } from "../../modules/bytes/equal.js";
import { toHex } from "../../modules/bytes/hex.js";
import type { Faults } from "./faults.js";
import { keyIdOf, SCHEMES } from "./schemes.js";
import type { Installation, SecurityGroup } from "./types.js";

/**
 * A key belongs to one security group, one profile and one number: elsewhere it would open what it
 * must not, and repeat nonces.
 */
export function checkKeys({ securityGroups }: Installation, faults: Faults): void {
  const owners = new Map<string, { path: string; group: number }>();
  securityGroups.forEach((group, index) => {
    const path = `securityGroups[${index}].keys`;
    checkNames(group, path, faults);
    secretsOf(group).forEach(({ word, secret }, at) => {
      const own = { path: `${path}[${at}].${word}`, group: index };
      const owner = owners.get(toHex(secret));
      if (owner === undefined) owners.set(toHex(secret), own);
      else if (!isRenewal(group, owner.group === index)) {
        const remedy = `draw another: openssl rand -hex ${secret.length}`;
        faults.add(own.path, `is the key of ${owner.path} too; ${remedy}`);
      }
    });
  });
}

/** Of `dtls-record` an epoch is renewed by its RAND; the TGK stays (draft-keoh §4.3). */
function isRenewal({ profile }: SecurityGroup, isSameGroup: boolean): boolean {
  return profile === "dtls-record" && isSameGroup;
}

/** Newer keys have greater names; only names of one length can be compared as they are sent. */
function checkNames(group: SecurityGroup, path: string, faults: Faults): void {
  if (group.profile === "lowlatency") {
    faults.unique(group.keys, path, "keyId", (key) => `${key.keyId}`);
    return;
  }
  const { profile, keys } = group;
  const { name } = SCHEMES[profile];
  if (keys.length === 0) return;
  faults.unique(keys, path, name, (key) => toHex(keyIdOf(profile, key)));
  const first = keyIdOf(profile, keys[0]);
  keys.forEach((key, at) => {
    const { length } = keyIdOf(profile, key);
    if (length === first.length) return;
    const right = `give it the ${first.length} bytes of ${path}[0].${name}`;
    faults.add(`${path}[${at}].${name}`, `has ${length} bytes; ${right}`);
  });
  if (profile !== "dtls-record") return;
  keys.forEach(({ words }, at) => {
    const isSame = (other: (typeof keys)[number]) =>
      equalBytes(bytes(other, "rand"), bytes({ words }, "rand"));
    const earlier = keys.findIndex(isSame);
    if (earlier === at) return;
    const right = "a new epoch needs a new one: openssl rand -hex 16";
    faults.add(`${path}[${at}].rand`, `is that of ${path}[${earlier}]; ${right}`);
  });
}

function secretsOf(group: SecurityGroup): { word: string; secret: Uint8Array }[] {
  if (group.profile === "lowlatency") {
    return group.keys.map(({ key }) => ({ word: "key", secret: key }));
  }
  const { secret: word } = SCHEMES[group.profile];
  return group.keys.map((key) => ({ word, secret: bytes(key, word) }));
}

function bytes({ words }: { words: Readonly<Record<string, unknown>> }, name: string): Uint8Array {
  return words[name] as Uint8Array;
}
