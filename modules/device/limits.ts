/** Every bound of the firmware in one place; how they hang together says relations.ts. */

export const LIMITS = Object.freeze({
  /** Application groups a device is a member of. */
  appGroupsMax: 16,
  securityGroupsMax: 10,
  /** Keys present at once: every security group in the middle of a rekey. */
  keysMax: 20,
  /**
   * (key, sender) pairs with a replay window; newcomers beyond are dropped. In the middle of a
   * rekey each of 50 senders has two; and 100 luminaires may answer beside those who command.
   */
  recipientsMax: 116,
  /** Records in the store at once. */
  storeKeysMax: 394,
  /** Clients with rights of their own. */
  rightsMax: 64,
  /** Requests of ours that wait for answers. */
  exchangesMax: 8,
  /** Luminaires that may answer one group request. */
  answersMax: 100,
  /** Peers with a confirmable message of ours under way, and how many wait for one of them. */
  peersMax: 4,
  outstandingMax: 4,
  /** Messages remembered so that their retransmissions are known (RFC 7252 §4.5). */
  remembersMax: 16,
  /** Bytes of answers kept for those, all together. */
  replyBytesMax: 2048,
  /** Answers to group requests that wait for their moment. */
  repliesMax: 4,
  /** Clients that observe something, and bodies that come in blocks: none of it at rest. */
  observersMax: 4,
  /** Observations of ours, each of up to answersMax members. */
  watchesMax: 2,
  bodiesMax: 1,
  bodyBytesMax: 512,
  /** No datagram for this long: bounds are pulled back, flash is tidied. */
  idleMicros: 2_000_000,
  /** Largest datagram that is looked at (IPv6 minimum MTU). */
  datagramBytesMax: 1280,
});
