import { TsCrypto } from "../../modules/crypto/crypto.js";
import { emitTaken, Taken } from "../../modules/device/taken.js";
import { Directory, type SecurityGroup } from "../../modules/groups/directory.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import { equal, test, throws } from "../harness.js";

const DIGEST = new TsCrypto().sha256(Uint8Array.of(1, 2, 3));
const OTHER = new TsCrypto().sha256(Uint8Array.of(1, 2, 4));
const IPV6 = new Uint8Array(16).fill(0xff);

function security(id: number, name: string, graceSeconds: number): SecurityGroup {
  const profile = { ...lowlatency, name };
  return { id, profile, graceSeconds, associations: [], highest: new Uint8Array(0) };
}

function sample(): Directory {
  const directory = new Directory();
  const groups = [security(0xfffffe, "lowlatency", 0xfffffffe), security(7, "dtls-record", 0)];
  for (const group of groups) directory.addSecurity(group);
  const places = [
    { id: 0xffffffff, security: groups[1], endpoint: { address: IPV6, port: 61616 } },
    { id: 1, security: groups[0], endpoint: { address: IPV6.slice(0, 4), port: 5683 } },
    { id: 2, security: groups[0], endpoint: { address: IPV6, port: 255 } },
  ];
  for (const place of places) directory.addAppGroup(place);
  return directory;
}

function listed(directory: Directory): unknown[] {
  return [
    directory.securities().map(({ id, profile, graceSeconds }) => [id, profile.name, graceSeconds]),
    [...directory.appGroups()].map(({ id, security, address, port }) => {
      return [id, security.id, [...address], port];
    }),
  ];
}

function restored(record: Uint8Array): Directory {
  const directory = new Directory();
  Taken.of(record, DIGEST)?.addGroups(directory, (id, name, graceSeconds) => {
    const group = security(id, name, graceSeconds);
    directory.addSecurity(group);
    return group;
  });
  return directory;
}

test("groups come back as they were", () => {
  const record = emitTaken(DIGEST, 0x12345678, sample());
  equal(Taken.of(record, DIGEST)?.listsEnd, 0x12345678);
  equal(listed(restored(record)), listed(sample()));
  equal(listed(restored(emitTaken(DIGEST, 1, new Directory()))), [[], []]);
});

test("what was taken from another blob, or is no such record, is not used", () => {
  const record = emitTaken(DIGEST, 9, sample());
  equal(Taken.of(record, OTHER), undefined);
  equal(Taken.of(undefined, DIGEST), undefined);
});

test("groups with more than the record has stay in the blob", () => {
  const directory = sample();
  const own = { id: Uint8Array.of(1), credential: new Uint8Array(0), signer: undefined };
  directory.addSecurity({ ...security(9, "lowlatency", 1), own });
  const record = emitTaken(DIGEST, 9, directory);
  equal(record, DIGEST);
  const taken = Taken.of(record, DIGEST);
  equal([taken === undefined, taken?.listsEnd], [false, undefined]);
});

test("a record that is cut or goes on is no half of the groups", () => {
  const record = emitTaken(DIGEST, 9, sample());
  const longer = new Uint8Array(record.length + 1);
  longer.set(record);
  throws(() => restored(longer), /does not parse/);
  for (let size = 36; size < record.length; size++) throws(() => restored(record.slice(0, size)));
});
