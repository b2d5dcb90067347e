/**
 * The times of RFC 7252 §4.8, by its names, in microseconds. Two of §4.8's parameters are not here:
 * NSTART is the shape of retransmit.ts (one under way, the others wait), and PROBING_RATE binds
 * those who go on asking a peer that never answers, which nothing here does.
 */

export const ACK_TIMEOUT_MICROS = 2_000_000;
/** An upper bound: the first timeout lies between 1 and 1.5 times ACK_TIMEOUT. */
export const ACK_RANDOM_FACTOR = 1.5;
/** Copies after the first transmission. */
export const MAX_RETRANSMIT = 4;
export const DEFAULT_LEISURE_MICROS = 5_000_000;

// Derived (§4.8.2, table 3).

/** How long a datagram can take at most. */
export const MAX_LATENCY_MICROS = 100_000_000;
/** From the first transmission of a CON to its last. */
export const MAX_TRANSMIT_SPAN_MICROS =
  ACK_TIMEOUT_MICROS * (2 ** MAX_RETRANSMIT - 1) * ACK_RANDOM_FACTOR;
/** From the first transmission of a CON to the moment its sender gives up. */
export const MAX_TRANSMIT_WAIT_MICROS =
  ACK_TIMEOUT_MICROS * (2 ** (MAX_RETRANSMIT + 1) - 1) * ACK_RANDOM_FACTOR;
/** From the first transmission of a CON until its message id may mean another message. */
export const EXCHANGE_LIFETIME_MICROS =
  MAX_TRANSMIT_SPAN_MICROS + 2 * MAX_LATENCY_MICROS + ACK_TIMEOUT_MICROS;
/** As EXCHANGE_LIFETIME, for a NON that an application sends more than once. */
export const NON_LIFETIME_MICROS = MAX_TRANSMIT_SPAN_MICROS + MAX_LATENCY_MICROS;
