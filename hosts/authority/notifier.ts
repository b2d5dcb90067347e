/** Tells Key Distribution Centers, programs of their own, whose tokens count no more. */
import { CHANGED, POST } from "../../modules/authority/answers.js";
import { emitRevocation } from "../../modules/authority/revocation.js";
import { decodeList } from "../../modules/cbor/containers.js";
import { codeText } from "../../modules/coap/options.js";
import type { Authority } from "./authority.js";
import type { Card } from "./identity.js";
import { noticesFor } from "./notices.js";
import type { Others } from "./others.js";
import type { Say } from "./works.js";

const TICK_MS = 5000;
const PATIENCE_MS = 10_000;

export class Notifier {
  readonly #authority: Authority;
  readonly #others: Others;
  readonly #underWay = new Map<string, Promise<string>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(authority: Authority, others: Others) {
    this.#authority = authority;
    this.#others = others;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#all(), TICK_MS);
    void this.#all();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Tries now; what came of it within some seconds. It goes on afterwards. */
  async notify(say: Say): Promise<{ center: string; result: string }[]> {
    const late = new Promise<string>((resolve) => {
      setTimeout(resolve, PATIENCE_MS, "no answer yet; it is told again until it answers").unref();
    });
    return Promise.all(
      this.#centers().map(async (card) => {
        const result = await Promise.race([this.#tell(card), late]);
        say(`${card.name}: ${result}`);
        return { center: card.name, result };
      }),
    );
  }

  #centers(): Card[] {
    const { role, trusts } = this.#authority.identity;
    return role === "as" ? trusts.filter((card) => card.role !== "as") : [];
  }

  async #all(): Promise<void> {
    await Promise.all(this.#centers().map((card) => this.#tell(card)));
  }

  /** One after the other to each; `done`, or why not. */
  #tell(card: Card): Promise<string> {
    const known = this.#underWay.get(card.name);
    if (known !== undefined) return known;
    const telling = this.#tellAll(card)
      .catch((error: unknown) => (error as Error).message)
      .finally(() => this.#underWay.delete(card.name));
    this.#underWay.set(card.name, telling);
    return telling;
  }

  async #tellAll(card: Card): Promise<string> {
    const { ledger } = this.#authority;
    const notices = await ledger.transaction((rows) => noticesFor(rows, card.name));
    for (const { key, value } of notices) {
      const result = await this.#tellOne(card, value);
      if (result !== "done") return result;
      await ledger.transaction((rows) => rows.delete("notice", key));
    }
    return "done";
  }

  async #tellOne(card: Card, value: Uint8Array): Promise<string> {
    const [clientId] = decodeList(value) ?? [];
    if (!(clientId instanceof Uint8Array) || card.at === undefined) return "done";
    const said = { clientId, audience: `${card.domain}/kdc`, issuedAt: this.#authority.now() };
    const payload = emitRevocation(this.#authority.issuer("as"), said);
    const answered = await this.#others.ask(card, { method: POST, path: ["revoke"], payload });
    if (!answered.ok) return `${answered.why}; it is told again until it answers`;
    const { code } = answered.response;
    return code === CHANGED ? "done" : `refuses (${codeText(code)}): does it trust us?`;
  }
}
