/** DTLS sessions in flash: resumed after a restart, bounded, gone for good. */
import { utf8 } from "../../modules/bytes/utf8.js";
import { ALERT, ALERTS, TLS_PSK_WITH_AES_128_CCM_8 } from "../../modules/dtls/numbers.js";
import type { Session } from "../../modules/dtls/session.js";
import { StoredSessions } from "../../modules/dtls/stored-sessions.js";
import { equal, test, throws } from "../harness.js";
import { DtlsNet, DtlsPeer } from "../support/dtls.js";
import { inject, insider } from "../support/dtls-craft.js";
import { psk, pskOf } from "../support/dtls-pair.js";
import { FAULTS, type NorFlash, PowerCut } from "../support/flash.js";
import { formatted, opened, tidyUp } from "../support/partition.js";

const AS = utf8("as.example");
const KDC = utf8("kdc.example");

function made(id: number, more: Partial<Session> = {}): Session {
  return {
    id: Uint8Array.of(id),
    suite: TLS_PSK_WITH_AES_128_CCM_8,
    master: new Uint8Array(48).fill(id),
    peer: { by: "nothing" },
    bound: new Uint8Array(8),
    ...more,
  };
}

function idOf(id: number): Uint8Array {
  return Uint8Array.of(id);
}

function sessionsIn(flash: NorFlash, rows = 3): StoredSessions {
  return new StoredSessions(opened(flash), rows);
}

function resuming(kept: StoredSessions): { readonly resume?: Session } {
  const resume = kept.with(AS);
  return resume === undefined ? {} : { resume };
}

test("both ends restart, and go on with the session that flash kept", () => {
  const [server, client] = [formatted(4), formatted(16)];
  let runs = 0;
  const restarted = () => {
    const net = new DtlsNet();
    const sessions = sessionsIn(server);
    // Chance is another one each time.
    runs += 2;
    const one = new DtlsPeer(net, runs, { server: { psk: pskOf }, sessions });
    const two = new DtlsPeer(net, runs + 1, {});
    const kept = sessionsIn(client);
    two.dtls.connect(one.address, { credentials: psk(), ...resuming(kept) });
    net.settle();
    const { session, isResumed } = two.opened[0].finished;
    equal(kept.keep(AS, session as Session), true);
    two.connection.send(utf8("on"));
    net.settle();
    equal(one.data, [utf8("on")]);
    return { isResumed, net, one, two };
  };
  equal(restarted().isResumed, false);
  equal(restarted().isResumed, true);
  const { net, one, two } = restarted();
  // RFC 5246 §7.2.2: a fatal alert ends the session, too, and flash forgets it.
  const session = one.opened[0].finished.session as Session;
  const alert = Uint8Array.of(2, ALERTS.internalError);
  inject(net, two, one, insider(net, session, "client").seal(ALERT, alert) as Uint8Array);
  equal(one.ends, [{ reason: "alerted", alert: ALERTS.internalError }]);
  equal(restarted().isResumed, false);
});

test("sessions in flash are bounded; what was stored first makes room", () => {
  const flash = formatted(4);
  const sessions = sessionsIn(flash);
  for (const id of [1, 2, 3, 1, 4]) sessions.put(made(id));
  const found = (from: StoredSessions) => [1, 2, 3, 4].map((id) => from.find(idOf(id))?.master[0]);
  equal(found(sessions), [1, undefined, 3, 4]);
  equal(found(sessionsIn(flash)), [1, undefined, 3, 4]);
  // Fewer rows than there were: the others are left alone.
  equal(found(sessionsIn(flash, 1)).filter((id) => id !== undefined).length, 1);
});

test("a server's sessions and a client's are apart, and each server has one", () => {
  const flash = formatted(8);
  const sessions = sessionsIn(flash);
  sessions.put(made(1));
  equal(sessions.keep(AS, made(2)), true);
  equal(sessions.keep(KDC, made(3, { peer: { by: "psk", identity: utf8("lamp") } })), true);
  equal(sessions.keep(AS, made(4)), true);
  const after = sessionsIn(flash);
  equal(after.find(idOf(2)), undefined);
  equal(after.find(idOf(4)), undefined);
  equal(after.with(AS), made(4));
  equal(after.with(KDC)?.peer, { by: "psk", identity: utf8("lamp") });
  equal(after.with(new Uint8Array(0)), undefined);
  equal(after.forget(KDC), true);
  equal(sessionsIn(flash).with(KDC), undefined);
  throws(() => sessions.keep(new Uint8Array(0), made(5)), /name/);
  throws(() => sessions.keep(new Uint8Array(256), made(5)), /name/);
});

test("a session that flash cannot hold is not kept, and nothing in its place", () => {
  const sessions = sessionsIn(formatted(4));
  equal(sessions.keep(AS, made(1)), true);
  const identity = new Uint8Array(1000);
  equal(sessions.keep(AS, made(2, { peer: { by: "psk", identity } })), false);
  equal(sessions.with(AS), undefined);
});

test("what flash does not let go of is not found, and the caller is told", () => {
  const flash = formatted(4);
  const sessions = sessionsIn(flash);
  sessions.put(made(1));
  flash.refuses = () => true;
  equal(sessions.remove(idOf(1)), false);
  equal(sessions.find(idOf(1)), undefined);
  flash.refuses = undefined;
  equal(sessions.remove(idOf(1)), true);
  equal(sessions.find(idOf(1)), undefined);
  sessions.put(made(1));
  equal(sessions.find(idOf(1))?.master[0], 1);
});

test("wherever the power goes, a session is whole or not there, and the others stay", () => {
  const before = formatted(4);
  const first = sessionsIn(before);
  first.put(made(1));
  first.keep(AS, made(2));
  let isThrough = false;
  for (let operation = 1; !isThrough; operation++) {
    for (const fault of FAULTS) {
      const flash = before.copy(operation);
      const sessions = sessionsIn(flash);
      flash.cutAt(flash.operations + operation, fault);
      try {
        sessions.keep(AS, made(3));
        isThrough = true;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      flash.restart();
      const after = sessionsIn(flash);
      equal(after.find(idOf(1)), made(1));
      const found = after.with(AS)?.master;
      equal(found === undefined || found.every((byte) => byte === found[0]), true);
      if (isThrough) equal(found?.[0], 3);
    }
  }
});

test("years of sessions: flash keeps room for them", () => {
  const flash = formatted(16, 8);
  const store = opened(flash);
  const sessions = new StoredSessions(store, 2);
  for (let round = 0; round < 500; round++) {
    sessions.put(made(round % 256));
    tidyUp(store);
    equal(sessions.find(idOf(round % 256))?.master[0], round % 256);
  }
});
