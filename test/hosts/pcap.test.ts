import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fcs, withFcs } from "../../hosts/pcap/fcs.js";
import { PcapWriter, readPcap } from "../../hosts/pcap/pcap.js";
import { lacks } from "../support/skip.js";

/**
 * The acknowledgement of IEEE 802.15.4-2006 §7.2.1.9: 0100 0000 0000 0000 0101 0110, lowest bit
 * first.
 */
const ACK = Uint8Array.of(0x02, 0x00, 0x6a);

test("FCS: the standard's example, 0010 0111 1001 1110 in the order sent", () => {
  assert.equal(fcs(ACK), 0x79e4);
  assert.deepEqual(withFcs(ACK), Uint8Array.of(0x02, 0x00, 0x6a, 0xe4, 0x79));
});

/** IEEE 802.15.4-2006 §7.2.1: data to everybody in PAN 4c55 from short address 1. */
const DATA = Uint8Array.from(Buffer.from("418807554cffff0100c0de", "hex"));

async function withCapture(use: (path: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lumicast-test-"));
  try {
    const path = join(folder, "out.pcap");
    const writer = new PcapWriter(path);
    writer.write(1_500_000, DATA);
    writer.write(4_300_000_000, ACK);
    writer.close();
    use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a capture is read back, times and all", async () => {
  await withCapture((path) => {
    const bytes = readFileSync(path);
    assert.deepEqual(readPcap(bytes), [
      { atMicros: 1_500_000, frame: DATA },
      { atMicros: 4_300_000_000, frame: ACK },
    ]);
    assert.throws(() => readPcap(bytes.subarray(0, bytes.length - 1)), /ends inside a frame/);
    assert.throws(() => readPcap(bytes.subarray(0, 30)), /ends inside a record/);
    assert.throws(() => readPcap(bytes.subarray(1)), /not a capture/);
  });
});

test("Wireshark opens a capture", { skip: lacks("tshark") }, async () => {
  await withCapture((path) => {
    const fields = ["frame.time_epoch", "wpan.fcs_ok", "wpan.src16", "_ws.malformed"];
    const args = ["-n", "-r", path, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
    const out = execFileSync("tshark", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    assert.deepEqual(out.split("\n").slice(0, 2), [
      "1.500000000\t1\t0x0001\t",
      "4300.000000000\t1\t\t",
    ]);
  });
});
