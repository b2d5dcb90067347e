/**
 * What the receive path must reach, and whether this run did. Judged for whoever reads it: nothing
 * fails on a busy machine.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Crypto } from "../../modules/ports/crypto.js";
import { need } from "../lacks.js";
import { ROOT } from "../root.js";
import type { Engine } from "./engine.js";
import { measure, type Series, type Setup } from "./path.js";
import { verifyRatio } from "./signatures.js";

export interface Target {
  readonly name: string;
  /** The most that is allowed. */
  readonly limit: number;
  /** Undefined where this machine lacks what it needs. */
  readonly value: number | undefined;
  readonly met: boolean | undefined;
}

const ACCEPTED_MICROS = 40;
const DUPLICATE_SHARE = 1 / 3;
const CCM_RATIO = 1.5;
const VERIFY_RATIO = 1.2;
const GROUP_OSCORE_RATIO = 1.5;

/** `xs`: the series of the headless host. `engine`: one to count AEAD calls on; any will do. */
export async function judge(
  xs: readonly Series[],
  engine: Engine,
  setup: Setup,
): Promise<Target[]> {
  const median = (name: string) =>
    xs.find((series) => series.name === name)?.medianMicros ?? Number.NaN;
  const accepted = median("acceptedSparse");
  return [
    target("receive path on XS in µs", ACCEPTED_MICROS, accepted),
    target("duplicate / accepted", DUPLICATE_SHARE, median("duplicate") / accepted),
    target("AEAD calls for duplicates", 0, duplicateOpens(engine, setup)),
    target(
      "group-oscore open / lowlatency open",
      GROUP_OSCORE_RATIO,
      median("openGroupOscore") / median("openLowlatency"),
    ),
    target("native CCM open / libmbedcrypto", CCM_RATIO, ccmRatio()),
    target("verify from XS / libsodium", VERIFY_RATIO, await verifyRatio()),
  ];
}

/** One line. */
export function summary(targets: readonly Target[]): string {
  const parts = targets.map(({ name, limit, value, met }) => {
    if (value === undefined) return `${name}: not measured`;
    return `${name}: ${short(value)} of ${short(limit)} ${met ? "met" : "NOT MET"}`;
  });
  return `targets: ${parts.join("; ")}`;
}

function short(value: number): string {
  return String(Number(value.toFixed(2)));
}

function target(name: string, limit: number, value: number | undefined): Target {
  return { name, limit, value, met: value === undefined ? undefined : value <= limit };
}

/** How often the AEAD is asked to open over a batch of duplicates. */
function duplicateOpens(engine: Engine, setup: Setup): number {
  let opens = 0;
  const { crypto } = engine;
  const counting: Crypto = {
    aeadKey: (algorithm, raw) => {
      const key = crypto.aeadKey(algorithm, raw);
      const open: typeof key.open = (box) => {
        opens++;
        return key.open(box);
      };
      return { open, seal: (box) => key.seal(box) };
    },
    sha256: (data) => crypto.sha256(data),
    hmac: (input) => crypto.hmac(input),
    hkdf: (input) => crypto.hkdf(input),
    hkdfExpand: (input) => crypto.hkdfExpand(input),
    signatures: crypto.signatures,
  };
  const opensOf = (prepareOnly: boolean) => {
    opens = 0;
    const samples = setup.senders.length;
    measure({ ...engine, crypto: counting }, setup, samples, { only: "duplicate", prepareOnly });
    return opens;
  };
  return opensOf(false) - opensOf(true);
}

/** Our AES-CCM against libmbedcrypto's, in one run of platforms/headless/ccm_bench.c. */
function ccmRatio(): number | undefined {
  if (!need("libmbedtls-dev", "comparison of AES-CCM with libmbedcrypto")) return undefined;
  const headless = join(ROOT, "platforms/headless");
  const { stdout } = spawnSync("make", ["-s", "-C", headless, "ccm-bench"], { encoding: "utf8" });
  const found = /"asBuilt":\{[^}]*"ratio":([0-9.]+)/.exec(stdout);
  if (found === null) throw new Error(`ccm-bench said: ${stdout}`);
  return Number(found[1]);
}
