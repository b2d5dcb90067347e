/**
 * What goes into and comes out of the radio channel (channel.ts). No I/O and no clock of its own:
 *
 *     const channel = new RadioChannel({ seed: 7, nodes, rangeMetres: 12, lossPercent: 5 });
 *     channel.setAddress(0, { pan: 0xabcd, short: 1 });
 *     channel.transmit({ node: 0, id: 1, frame, atMicros: 1_000 });
 *     for (let t = channel.next(); t !== undefined; t = channel.next())
 *       for (const event of channel.advance(t)) hand(event);
 *
 * Times are whole microseconds of the caller's virtual time. The same seed and the same calls
 * give the same events; the order of `transmit` calls for different nodes between two `advance`
 * does not matter.
 */

export interface RadioNode {
  /**
   * EUI-64, 8 bytes, most significant first, as on the label: the extended address the radio
   * filters for.
   */
  readonly eui64: Uint8Array;
  /** Metres; needed when the topology comes from positions. */
  readonly position?: Position;
}

export interface Position {
  readonly x: number;
  readonly y: number;
  readonly z?: number;
}

/**
 * One direction. Where there is no link, nothing is heard and nothing is disturbed (hidden node).
 */
export interface Link {
  /** Node numbers: indices into `RadioOptions.nodes`. */
  readonly from: number;
  readonly to: number;
  /**
   * 0 to 100, independent per frame; 100 is a link that disturbs and is sensed but never decodes.
   * Default 0.
   */
  readonly lossPercent?: number;
  /** Received strength in dB, any common reference; matters only with `captureDb`. Default 0. */
  readonly strengthDb?: number;
}

export interface RadioOptions {
  /** Any whole number; every choice the channel makes follows from it. */
  readonly seed: number;
  readonly nodes: readonly RadioNode[];
  /** The topology, link by link. When absent it is made of the positions and `rangeMetres`. */
  readonly links?: readonly Link[];
  /**
   * Two nodes at most this far apart hear each other. Without it and without `links`, all hear
   * all.
   */
  readonly rangeMetres?: number;
  /**
   * Loss added on every link, 0 to 100, independent of the link's own. ACKs are lost like frames.
   * Default 0.
   */
  readonly lossPercent?: number;
  /**
   * A frame this much stronger than all that overlaps it survives. When absent every overlap
   * destroys.
   */
  readonly captureDb?: number;
  /**
   * Bytes of link-layer security counted in the airtime of every frame but ACKs, though they are
   * not in `frame`: auxiliary header 6 and MIC 4 as in Thread (see modules/lowpan/stack.ts).
   * Default 10.
   */
  readonly securityBytes?: number;
  /**
   * Frames a node holds that are not on air yet; one more is answered `transmitted: false`.
   * Default 64.
   */
  readonly queueFrames?: number;
}

export interface Transmission {
  readonly node: number;
  /** The caller's number for this frame; comes back in the `sent` event. */
  readonly id: number;
  /**
   * MAC header and payload without FCS, 3 to 125 - `securityBytes` bytes. Not copied: must not
   * change afterwards.
   */
  readonly frame: Uint8Array;
  /**
   * When it reaches the node's radio queue; at or after the channel's `now`, the future included.
   */
  readonly atMicros: number;
}

/**
 * `frame`: node received it whole, FCS good, passing its address filter; `at` is the end of the
 * frame. `sent`: the node's frame with this id is done: `at` is its end on air, the end of its
 * ACK, the end of the wait for it, or the moment the channel was given up as busy (`transmitted:
 * false`). `air`: something begins on the air, ACKs included: what a sniffer that hears everybody
 * records. `at` is the first symbol of the preamble, `endMicros` the end of the FCS.
 */
export type RadioEvent =
  | {
      readonly kind: "frame";
      readonly at: number;
      readonly node: number;
      readonly from: number;
      readonly frame: Uint8Array;
    }
  | {
      readonly kind: "sent";
      readonly at: number;
      readonly node: number;
      readonly id: number;
      readonly acked: boolean;
      readonly transmitted: boolean;
    }
  | {
      readonly kind: "air";
      readonly at: number;
      readonly node: number;
      readonly endMicros: number;
      readonly ack: boolean;
      readonly frame: Uint8Array;
    };

/** Counters of one node since construction. */
export interface NodeStatistics {
  /** Frames put on air, ACKs not included. */
  sent: number;
  acksSent: number;
  /** ACKs received for own frames. */
  acked: number;
  /** Frames that asked for an ACK and got none in time. */
  unacked: number;
  /** Frames given up because the channel stayed busy. */
  busy: number;
  /** Frames refused because the queue was full. */
  refused: number;
  /** Frames delivered to this node. */
  received: number;
  /** Frames from a linked node that were whole but for another address. */
  filtered: number;
  /** Frames from a linked node destroyed here by another transmission. */
  collided: number;
  /** Frames from a linked node lost here by the link's or the global loss. */
  lost: number;
  /** Frames from a linked node missed because this node was sending itself. */
  deaf: number;
  /** Microseconds on air, ACKs included. */
  airMicros: number;
}

/** The interface of `RadioChannel`, for those who drive it. */
export interface Channel {
  /** The time up to which everything has been worked off. */
  readonly now: number;
  /**
   * Takes effect at once. Before the first call a node receives nothing and acknowledges nothing.
   */
  setAddress(node: number, address: { readonly pan: number; readonly short: number }): void;
  /**
   * Throws RangeError on a time before `now`, an unknown node or a frame of a wrong length
   * (caller's bug).
   */
  transmit(transmission: Transmission): void;
  /**
   * The time of the next internal event (not each of them yields one outside), undefined when all
   * is quiet.
   */
  next(): number | undefined;
  /**
   * Works off every event up to and including `toMicros`, sets `now` to it, returns what
   * happened, in order.
   */
  advance(toMicros: number): RadioEvent[];
  statistics(node: number): Readonly<NodeStatistics>;
}
