/** AS and KDC as two programs: what one has to hear of the other, over a restart of either. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { after, test } from "node:test";
import { endpointOf } from "../../hosts/authority/net.js";
import { claimsOf } from "../../modules/access/token.js";
import { Desk, shipped } from "../support/lumicast.js";
import { cardOf, Programs, type Ran, until } from "../support/running.js";

const desk = new Desk();
after(() => desk.remove());
const programs = new Programs();
let secrets = 0;

/** Both run; the devices lamp-1 and lamp-2 may be in group 5. */
class Pair {
  readonly as: string[];
  readonly kdc: string[];
  ranAs!: Ran;
  ranKdc!: Ran;

  constructor(name: string) {
    this.as = ["--state", desk.path(`${name}-as`)];
    this.kdc = ["--state", desk.path(`${name}-kdc`)];
  }

  /** `more`: of what the AS is told of its KDC; `both`: of what each is told. */
  static async of(
    name: string,
    more: readonly string[] = [],
    both: readonly string[] = [],
  ): Promise<Pair> {
    const pair = new Pair(name);
    const { as, kdc } = pair;
    await desk.json("authority", "init", "--domain", "hall", "--role", "as", ...as);
    await desk.json("authority", "init", "--domain", "hall", "--role", "kdc", ...kdc);
    // Each gets a port, to be told to the other.
    const [first, second] = [await programs.start(as), await programs.start(kdc)];
    await Promise.all([programs.kill(first), programs.kill(second)]);
    const [asCard, kdcCard] = [`${name}-as.json`, `${name}-kdc.json`];
    const trusted = ["authority", "trust", await cardOf(desk, as, asCard), "--at", first.at];
    await desk.json(...trusted, ...both, ...kdc);
    const trusting = ["authority", "trust", await cardOf(desk, kdc, kdcCard), "--at", second.at];
    await desk.json(...trusting, ...more, ...both, ...as);
    const from = desk.secret(`${name}.json`, shipped(2));
    for (const one of [as, kdc]) {
      await desk.json("device", "add", "--from", from, ...one);
      await desk.json("group", "create", "hall", "--address", "ff35::1", "--number", "5", ...one);
    }
    await desk.json("group", "add", "hall", "lamp-1", "lamp-2", ...as);
    pair.ranAs = await programs.start(as, first.at);
    pair.ranKdc = await programs.start(kdc, second.at);
    return pair;
  }

  async join(number: number) {
    const lamp = await programs.lamp(number);
    return lamp.join(this.ranAs.at, [5], "hall", this.ranKdc.at);
  }

  /** Until the KDC has written down who is revoked. */
  async heard(client: string): Promise<void> {
    let log = "";
    const isHeard = async () => {
      log = (await desk.run("log", "--last", "0", ...this.kdc)).out;
      return log.includes("/revoke: ") && log.includes(`revoked ${client}`);
    };
    await until(isHeard, () => log);
  }
}

for (const over of ["DTLS", "OSCORE"] as const) {
  const given = () => {
    if (over === "DTLS") return [];
    return ["--oscore", desk.secret(`${secrets++}.hex`, randomBytes(16).toString("hex"))];
  };
  test(`${over}: a loss goes from one to the other, or later, when the KDC is back`, async () => {
    const pair = await Pair.of(`loss-${over}`, [], given());
    await pair.join(1);
    const { token } = await pair.join(2);
    const lost = await desk.run("lost", "lamp-2", "--yes", ...pair.as);
    assert.equal(lost.code, 0, lost.out + lost.err);
    assert.match(lost.out, /hall\/kdc: done/);
    const file = desk.secret("token", Buffer.from(token).toString("hex"));
    const verified = await desk.run("token", "verify", file, ...pair.kdc);
    assert.match(verified.out, /^refused: revoked\n/);
    await programs.kill(pair.ranKdc);
    const later = await desk.run("lost", "lamp-1", "--yes", ...pair.as);
    assert.equal(later.code, 1);
    assert.match(later.out, /hall\/kdc: .*it is told again until it answers/);
    await programs.start(pair.kdc, pair.ranKdc.at);
    await pair.heard("01");
  });

  test(`${over}: the AS that was killed meanwhile tells it as well`, async () => {
    const pair = await Pair.of(`either-${over}`, [], given());
    await pair.join(1);
    await programs.kill(pair.ranKdc);
    await programs.kill(pair.ranAs);
    // Nobody runs: it is written down, and told by the next one that does.
    const lost = await desk.run("lost", "lamp-1", "--yes", ...pair.as);
    assert.equal(lost.code, 0, lost.out + lost.err);
    const again = await programs.start(pair.as, pair.ranAs.at);
    await programs.kill(again);
    await programs.start(pair.kdc, pair.ranKdc.at);
    await programs.start(pair.as, pair.ranAs.at);
    await pair.heard("01");
  });

  test(`${over}: tokens by reference; revoked at the AS is refused at the KDC`, async () => {
    const pair = await Pair.of(`names-${over}`, ["--by-reference"], given());
    const { token, delivery } = await pair.join(1);
    assert.equal(token.length, 17, "a name of 16 bytes, nothing to be read in it");
    assert.equal(delivery.tokens.length, 2);
    // Keys are brought to who came with a name alone, too.
    const rekeyed = await desk.run("group", "rekey", "hall", ...pair.kdc);
    assert.match(rekeyed.out, /1 of 1 member have it/);
    await pair.join(2);
    await programs.kill(pair.ranKdc);
    await desk.run("lost", "lamp-2", "--yes", ...pair.as);
    await programs.start(pair.kdc, pair.ranKdc.at);
    await assert.rejects(pair.join(2), /no |refuses/);
    await programs.kill(pair.ranAs);
    const { guest } = await programs.lamp(1);
    const to = endpointOf("at", pair.ranKdc.at);
    await assert.rejects(guest.keys(to, token, [5]), /no keys|refuses keys/, "nobody to ask");
  });
}

test("bearer's tokens: whoever comes first has the client id, and nobody after him", async () => {
  const pair = await Pair.of("bearer", ["--bearer"]);
  const { guest } = await programs.lamp(1);
  const { guest: finder } = await programs.lamp(2);
  const [server, center] = [pair.ranAs.at, pair.ranKdc.at].map((at) => endpointOf("at", at));
  const token = await guest.token(server, "hall/kdc");
  assert.equal(claimsOf(token)?.confirmation, undefined);
  assert.equal((await finder.keys(center, token, [5])).tokens.length, 2);
  await assert.rejects(guest.keys(center, token, [5]), /no keys|refuses keys/);
  const wrong = ["authority", "trust", desk.path("bearer-as.json"), "--bearer", ...pair.kdc];
  await programs.kill(pair.ranKdc);
  assert.match((await desk.run(...wrong)).err, /--bearer: it is an AS that says so, of a KDC/);
});

test("a secret is one context's, and its numbers begin once", async () => {
  const file = desk.secret("twice.hex", "0123456789abcdef0123456789abcdef");
  const pair = await Pair.of("twice", [], ["--oscore", file]);
  await programs.kill(pair.ranAs);
  const trust = ["authority", "trust", desk.path("twice-kdc.json"), "--at", pair.ranKdc.at];
  const again = await desk.run(...trust, "--oscore", file, ...pair.as);
  assert.equal(again.code, 1);
  assert.match(again.err, /this secret was used here before; make a new one, for both ends/);
  rmSync(`${desk.path("twice-as")}/authority.oscore`);
  await assert.rejects(
    programs.start(pair.as, pair.ranAs.at),
    /numbers of the OSCORE context with hall\/kdc are gone.*trust it again with a new secret/,
  );
  const short = desk.secret("short.hex", "00");
  const refused = await desk.run(...trust, "--oscore", short, ...pair.as);
  assert.match(refused.err, /holds no 16 to 64 bytes as hex digits: openssl rand -hex 16/);
});

test("whose card is another's: what it says is not believed", async () => {
  const pair = await Pair.of("false");
  await programs.kill(pair.ranKdc);
  const other = ["--state", desk.path("other-kdc")];
  await desk.json("authority", "init", "--domain", "hall", "--role", "kdc", ...other);
  await desk.json("authority", "trust", desk.path("false-as.json"), ...other);
  await programs.start(other, pair.ranKdc.at);
  const lost = await desk.run("lost", "lamp-1", "--yes", ...pair.as);
  assert.equal(lost.code, 1);
  assert.match(lost.out, /hall\/kdc: .*it is told again until it answers/);
  const log = await desk.run("log", "--last", "0", ...other);
  assert.doesNotMatch(log.out, /revoke/);
});
