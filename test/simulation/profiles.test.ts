/** The room under every profile, and what Wireshark, which owes nothing to us, makes of it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { generate } from "../../hosts/installation/generate.js";
import { membershipOf } from "../../hosts/installation/members.js";
import { SCHEMES } from "../../hosts/installation/schemes.js";
import type { Profile } from "../../hosts/installation/types.js";
import { PcapWriter, readPcap } from "../../hosts/pcap/pcap.js";
import { bothWays } from "../../hosts/radio/topology.js";
import { measure } from "../../hosts/room/measure.js";
import type { Summary } from "../../hosts/room/summary.js";
import { NON } from "../../modules/coap/message.js";
import { POST, URI_PATH } from "../../modules/coap/options.js";
import { TsCrypto } from "../../modules/crypto/crypto.js";
import { type Command, encodeCommand } from "../../modules/lighting/command.js";
import { Workspace } from "../../modules/oscore/aad.js";
import { dtlsRecord } from "../../modules/profiles/dtls-record.js";
import { lowlatency } from "../../modules/profiles/lowlatency.js";
import type { Departure } from "../../modules/profiles/profile.js";
import { Air } from "../support/air.js";
import { lacks } from "../support/skip.js";

const ROOM = { luminaires: 4, switches: 2, sensors: 0, hops: 1, loss: 0, seed: 7 } as const;
const PRESSES = 4;
const skip = lacks("tshark");

const SYMMETRIC: readonly Profile[] = ["lowlatency", "dtls-record"];
const SIGNED: readonly Profile[] = [
  "oscoap-00",
  "multicast-oscore-04",
  "group-oscore-02",
  "group-oscore",
];
const RFC_8613 = "Security context not set - can't decrypt";
const FLAG_5 = "Unsupported format";
/** What Wireshark 4.0 says of each: it knows RFC 8613, which keeps bit 0x20 of the option free. */
const REMARKS: Readonly<Record<Profile, readonly string[]>> = {
  lowlatency: [RFC_8613, "Unknown Option Number 65001"],
  "oscoap-00": ["Partial IV not found - can't decrypt"],
  "multicast-oscore-04": [RFC_8613, FLAG_5],
  "group-oscore-02": [RFC_8613, FLAG_5],
  "dtls-record": [],
  "group-oscore": [RFC_8613, FLAG_5],
  oscore: [RFC_8613],
};
/** No fault: of MPL's option without a seed (RFC 7731 §6.1). */
const MPL_SEED = "Seed ID is the IPv6 Source Address";

async function captured(
  profile: Profile,
  use: (summary: Summary, path: string) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    const pcap = join(folder, "room.pcap");
    const installation = generate({ ...ROOM, profile });
    use(await measure({ installation, presses: PRESSES, pcap }), pcap);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The values of one field, a line for each frame that matches. */
function dissected(path: string, profile: Profile, name: string, filter: string): string[] {
  const dissector = profile === "dtls-record" ? "dtls" : "coap";
  const args = ["-n", "-r", path, "-d", `udp.port==5683,${dissector}`, "-Y", filter];
  const text = execFileSync("tshark", [...args, "-T", "fields", "-e", name], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return text.split("\n").slice(0, -1);
}

/** What Wireshark remarks, each thing once. */
function remarks(path: string, profile: Profile): Set<string> {
  const lines = dissected(path, profile, "_ws.expert.message", "frame");
  return new Set(lines.flatMap((line) => line.split(",")).filter((text) => text !== ""));
}

function framesOf(path: string): Uint8Array[] {
  return readPcap(readFileSync(path)).map(({ frame }) => frame);
}

/** RFC 4944 §5.3: the dispatch of a first fragment, behind the MAC header of a group frame. */
function isFirstFragment(frame: Uint8Array): boolean {
  return frame[0] === 0x41 && frame[9] >> 3 === 0b11000;
}

for (const profile of SYMMETRIC) {
  test(`${profile}: every lamp, every press; a command is one frame`, async () => {
    await captured(profile, (summary, path) => {
      assert.deepEqual([summary.profile, summary.delivery], [profile, "multicast"]);
      assert.equal(summary.missed, 0, JSON.stringify(summary));
      assert.deepEqual(summary.drops, {});
      // Original and three repetitions at most of each press, by the switch and three forwarders.
      const frames = framesOf(path);
      assert.ok(frames.length >= PRESSES * 2 * 4, `${frames.length} frames`);
      assert.ok(!frames.some(isFirstFragment));
      // IEEE 802.15.4: 127 bytes, of which link security takes ten (modules/lowpan/stack.ts).
      assert.ok(frames.every(({ length }) => length <= 117));
    });
  });
}

for (const profile of SIGNED) {
  test(`${profile}: every lamp, every press; a signature makes it two frames`, async () => {
    await captured(profile, (summary, path) => {
      assert.deepEqual([summary.profile, summary.delivery], [profile, "multicast"]);
      assert.equal(summary.missed, 0, JSON.stringify(summary));
      // Two forwarders that begin at once: what is left of their datagrams counts as a fragment.
      assert.deepEqual(
        Object.keys(summary.drops).filter((reason) => reason !== "fragment"),
        [],
      );
      const frames = framesOf(path);
      assert.equal(frames.filter(isFirstFragment).length, frames.length / 2);
      // One signature made (12.9 ms) and one verified (31.5 ms), and no more than 200 ms in all.
      const { p50, max } = summary.latencyMs;
      assert.ok(p50 !== null && p50 > 44.4 && max !== null && max < 200, JSON.stringify(summary));
    });
  });
}

test("oscore: lamp by lamp, in a datagram each, and marked so", async () => {
  await captured("oscore", (summary, path) => {
    assert.deepEqual([summary.profile, summary.delivery], ["oscore", "unicast"]);
    assert.equal(summary.missed, 0, JSON.stringify(summary));
    assert.deepEqual(summary.drops, {});
    const { firstToLastMs } = summary;
    assert.ok(firstToLastMs.p50 !== null && firstToLastMs.p50 > 10, JSON.stringify(summary));
    // To four lamps and the other switch, each acknowledged.
    const data = framesOf(path).filter(({ length }) => length > 5);
    assert.equal(data.length % 5, 0);
    assert.ok(data.every((frame) => (frame[0] & 0x20) !== 0));
  });
});

for (const profile of [...SYMMETRIC, ...SIGNED, "oscore"] as const) {
  test(`${profile}: Wireshark reads the capture`, { skip }, async () => {
    await captured(profile, (_summary, path) => {
      const found = remarks(path, profile);
      found.delete(MPL_SEED);
      assert.deepEqual([...found].sort(), [...REMARKS[profile]].sort());
      const bad = "wpan.fcs_ok == 0 || udp.checksum.status == 0";
      assert.deepEqual(dissected(path, profile, "frame.number", bad), []);
      if (profile !== "dtls-record") return;
      const all = (name: string) => [...new Set(dissected(path, profile, name, "dtls"))];
      assert.deepEqual(all("dtls.record.content_type"), ["23"]);
      assert.deepEqual(all("dtls.record.version"), ["0xfefd"]);
      assert.deepEqual(all("dtls.record.epoch"), ["1"]);
    });
  });
}

/** ARCHITECTURE's `/l` with fade and scene at their longest, as a repetition, with a report. */
const WHOLE: Command = { fadeTenths: 65_535, scene: 254, ageHundredths: 3_000, report: true };

/** The datagram a switch of a made-up room sends, after 65,536 others. */
function datagram(profile: "lowlatency" | "dtls-record"): Uint8Array {
  const room = generate({ ...ROOM, profile });
  const crypto = new TsCrypto();
  const wall = room.devices[ROOM.luminaires];
  const [group] = room.securityGroups;
  const [{ id, address, port }] = room.applicationGroups;
  const departure: Departure<never> = {
    header: { type: NON, mid: 1, token: Uint8Array.of(1, 2, 3, 4) },
    inner: {
      code: POST,
      options: [{ number: URI_PATH, value: Uint8Array.of(0x6c) }],
      payload: encodeCommand(WHOLE),
    },
    clear: [],
    appGroup: { id },
    sender: wall.clientId,
    piv: Uint8Array.of(1, 0, 0),
    to: { address, port },
    request: undefined,
  };
  const own = { id: wall.clientId, credential: new Uint8Array(0), signer: undefined };
  const work = new Workspace();
  if (group.profile === "lowlatency") {
    const [{ keyId, key }] = group.keys;
    const input = { keyId: Uint8Array.of(keyId), raw: key.slice(), own, addresses: [address] };
    return lowlatency.seal(lowlatency.importKey(crypto, input), departure, work);
  }
  const { keyId, raw } = SCHEMES[group.profile];
  const [{ words }] = group.keys;
  const part = membershipOf(room, wall, group);
  const input = {
    keyId: keyId(words),
    raw: raw(words, undefined),
    own: { ...own, id: part.id },
    addresses: [address],
  };
  return dtlsRecord.seal(dtlsRecord.importKey(crypto, input), departure, work);
}

for (const profile of ["lowlatency", "dtls-record"] as const) {
  test(`${profile}: /l with fade and scene is one frame with MPL headers`, { skip }, () => {
    const [{ address, port }] = generate({ ...ROOM, profile }).applicationGroups;
    const air = new Air({ count: 2, links: bothWays([{ from: 0, to: 1 }]), seed: 3 });
    air.record = true;
    const [wall, lamp] = air.nodes;
    lamp.stack.join(address);
    wall.stack.send({ to: { address, port }, fromPort: port, bytes: datagram(profile) });
    air.run(1000);
    // MPL sends it twice (RFC 7731, TimerExpirations), and nobody forwards it.
    assert.equal(air.onAir.length, 2);
    const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
    try {
      const path = join(folder, "air.pcap");
      const writer = new PcapWriter(path);
      for (const { at, frame } of air.onAir) writer.write(at, frame);
      writer.close();
      // RFC 7731 §6.1: option type 0x6d, here with a PadN, in the hop-by-hop header.
      const options = dissected(path, profile, "ipv6.opt.type", "udp");
      assert.deepEqual(options, ["0x6d,0x01", "0x6d,0x01"]);
      assert.deepEqual(dissected(path, profile, "frame.number", "6lowpan.frag.tag"), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
