/**
 * A luminaire's own button: a press switches this one lamp, at its release. It needs no network, no
 * key and no group, and so is what works in every lamp, always.
 */
import type { Clock } from "../ports/clock.js";
import { Contact } from "./contact.js";
import { LOCAL_SENDER, type Luminaire } from "./luminaire.js";

export class LocalButton {
  readonly #contact: Contact;

  constructor(ports: { clock: Clock; luminaire: Luminaire }) {
    const { clock, luminaire } = ports;
    const onEdge = (down: boolean) => {
      if (!down) luminaire.apply({ on: !luminaire.state().on }, LOCAL_SENDER);
    };
    this.#contact = new Contact({ clock, onEdge });
  }

  /** Every edge of the button, bounces included, in order of time. */
  edge(down: boolean, atMicros: number): void {
    this.#contact.edge(down, atMicros);
  }
}
