/**
 * Checks one file of the shared vector format (its README is beside the files) on the engine this
 * runs on.
 *
 * Positive cases are sealed and compared byte by byte, then opened by a fresh receiver; negative
 * ones have to be refused with the file's word, and must leave the receiver as it was. Every
 * profile supplies an adapter that drives the firmware's own path (outer, locate, open, mark); a
 * profile without one is *missing*, which is never the same as passed.
 */
import { DERIVATIONS, type Derivations } from "./derived.js";
import type { Adapter, NegativeCase, Receiver, VectorCase, VectorFile } from "./format.js";
import { lowlatencyAdapter } from "./lowlatency.js";
import { memberAdapter } from "./member.js";
import { SCHEMES } from "./schemes.js";
import { tokenDerivations } from "./tokens.js";

function adapterOf(profile: string): Adapter | undefined {
  if (profile === "lowlatency") return lowlatencyAdapter;
  const scheme = SCHEMES[profile];
  return scheme && memberAdapter(scheme);
}

export interface Report {
  readonly profile: string;
  readonly missing: boolean;
  positive: number;
  negative: number;
  readonly mismatches: string[];
}

/** The README's words for the firmware's reasons. */
const WORDS: Readonly<Record<string, string>> = {
  malformed: "malformed",
  unknownGroup: "unknown",
  unknownKey: "unknown",
  unknownMember: "unknown",
  oldEpoch: "epoch",
  replayed: "replay",
  forged: "integrity",
};

export function checkFile(file: VectorFile): Report {
  const checks = checksOf(file);
  const report: Report = {
    profile: file.profile,
    missing: checks === undefined,
    positive: 0,
    negative: 0,
    mismatches: [],
  };
  if (checks === undefined) return report;
  for (const vector of file.cases) {
    const problem = guarded(() => checks.positive(vector));
    if (problem === undefined) report.positive++;
    else report.mismatches.push(`${vector.name}: ${problem}`);
  }
  for (const vector of file.negative) {
    const problem = guarded(() => checks.negative(vector));
    if (problem === undefined) report.negative++;
    else report.mismatches.push(`${vector.name}: ${problem}`);
  }
  return report;
}

/** What is wrong with a case, or undefined. */
interface Checks {
  positive(vector: VectorCase): string | undefined;
  negative(vector: NegativeCase): string | undefined;
}

function checksOf(file: VectorFile): Checks | undefined {
  const byName = new Map(file.cases.map((vector) => [vector.name, vector]));
  const derivations: Derivations | undefined =
    file.profile === "tokens" ? tokenDerivations : DERIVATIONS[file.profile];
  if (derivations !== undefined) {
    const find = (name: string) => ({ ...named(byName, name) });
    return {
      positive: (vector) => derivations.positive({ ...vector }, file.context),
      negative: (vector) => derivations.negative({ ...vector }, file.context, find),
    };
  }
  const adapter = adapterOf(file.profile);
  if (adapter === undefined) return undefined;
  return {
    positive: (vector) => checkPositive(adapter, file, vector, byName),
    negative: (vector) => checkNegative(adapter, file, vector, byName),
  };
}

function guarded(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return `threw ${String(error)}`;
  }
}

type Names = ReadonlyMap<string, VectorCase>;

function checkPositive(
  adapter: Adapter,
  file: VectorFile,
  vector: VectorCase,
  byName: Names,
): string | undefined {
  const request = vector.request === undefined ? undefined : named(byName, vector.request);
  if (vector.unprotect_only !== true) {
    const sealed = adapter.seal(file, vector, request);
    if (sealed !== vector.output) return `sealed ${sealed}, not ${vector.output}`;
  }
  const receiver = prepared(adapter, file, vector.context, vector.to, vector.after, byName);
  return accepts(receiver, vector, request);
}

function checkNegative(
  adapter: Adapter,
  file: VectorFile,
  vector: NegativeCase,
  byName: Names,
): string | undefined {
  const receiver = prepared(adapter, file, vector.context, vector.to, vector.after, byName);
  const opened = receiver.open({
    datagram: vector.datagram,
    destination: { address: vector.dst_addr as string, port: vector.dst_port as number },
    request: vector.request === undefined ? undefined : named(byName, vector.request),
    previousTag: vector.previous_tag,
  });
  if ("message" in opened) return `accepted as ${opened.message}`;
  const word = WORDS[opened.drop];
  const good = [vector.expect, ...(vector.also ?? [])];
  if (word === undefined || !good.includes(word)) {
    return `refused as ${opened.drop}, expected ${good.join(" or ")}`;
  }
  if (vector.then === undefined) return undefined;
  const next = named(byName, vector.then);
  const request = next.request === undefined ? undefined : named(byName, next.request);
  const problem = accepts(receiver, next, request);
  return problem === undefined ? undefined : `then ${next.name}: ${problem}`;
}

function prepared(
  adapter: Adapter,
  file: VectorFile,
  context: string,
  device: string,
  after: readonly string[] | undefined,
  byName: Names,
): Receiver {
  const receiver = adapter.receiver(file, context, device);
  for (const name of after ?? []) {
    const before = named(byName, name);
    const request = before.request === undefined ? undefined : named(byName, before.request);
    const problem = accepts(receiver, before, request);
    if (problem !== undefined) throw new Error(`before it, ${name}: ${problem}`);
  }
  return receiver;
}

function accepts(
  receiver: Receiver,
  vector: VectorCase,
  request: VectorCase | undefined,
): string | undefined {
  const { input } = vector;
  const opened = receiver.open({
    datagram: vector.output,
    destination: { address: input.dst_addr as string, port: input.dst_port as number },
    request,
    previousTag: input.previous_tag as string | null | undefined,
  });
  if ("drop" in opened) return `dropped as ${opened.drop}`;
  const wanted = (vector.received ?? input).message;
  return opened.message === wanted ? undefined : `opened ${opened.message}, not ${wanted}`;
}

function named(byName: Names, name: string): VectorCase {
  const vector = byName.get(name);
  if (vector === undefined) throw new Error(`the file has no case ${name}`);
  return vector;
}
