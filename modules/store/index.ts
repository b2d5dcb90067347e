/**
 * Where the newest record of each key lies: open addressing in three typed columns, 7 bytes a place
 * in partitions up to 256 KB, 9 beyond; a ninth of the places are free when everything is full that
 * a device keeps, which in a building is half of it. Nothing is allocated after construction.
 */
const WORD_BYTES = 4;
/** Sizes are kept in words to here, in steps of 16 bytes beyond: to 1,776 bytes in one byte. */
const EXACT_BYTES = 768;
const EXACT_WORDS = EXACT_BYTES / WORD_BYTES;
const STEP_BYTES = 16;

export class Index {
  count = 0;
  /** Bytes in flash of all records listed here, or a little more. */
  bytes = 0;
  readonly capacity: number;
  /** All columns, for native help: keys, words, sizes (platforms/native/journal.c). */
  readonly columns: ArrayBuffer;
  readonly #places: number;
  readonly #keys: Int32Array;
  /** Offset in words of 4 bytes; 0: free, for there is a sector head. */
  readonly #words: Uint16Array | Int32Array;
  readonly #sizes: Uint8Array;

  constructor(capacity: number, partitionBytes: number) {
    this.capacity = capacity;
    this.#places = Math.ceil((capacity * 9) / 8) + 1;
    const places = this.#places;
    const isSmall = partitionBytes <= 0x10000 * WORD_BYTES;
    const buffer = new ArrayBuffer(places * (isSmall ? 7 : 9));
    this.columns = buffer;
    this.#keys = new Int32Array(buffer, 0, places);
    this.#words = isSmall
      ? new Uint16Array(buffer, 4 * places, places)
      : new Int32Array(buffer, 4 * places, places);
    this.#sizes = new Uint8Array(buffer, buffer.byteLength - places, places);
  }

  /** Bytes of memory held. */
  get footprint(): number {
    return this.#keys.byteLength + this.#words.byteLength + this.#sizes.byteLength;
  }

  /** Place of `key`, or -1. */
  find(key: number): number {
    const signed = key | 0;
    let place = this.home(signed);
    for (;;) {
      if (this.#words[place] === 0) return -1;
      if (this.#keys[place] === signed) return place;
      if (++place === this.#places) place = 0;
    }
  }

  /** True when a record is at `place`: 0 to `places` - 1. */
  has(place: number): boolean {
    return this.#words[place] !== 0;
  }

  get places(): number {
    return this.#places;
  }

  keyAt(place: number): number {
    return this.#keys[place] >>> 0;
  }

  /** All keys of a kind, in no order. */
  keysOf(kind: number): number[] {
    const words = this.#words;
    const keys = this.#keys;
    const found: number[] = [];
    for (let place = 0; place < this.#places; place++) {
      if (words[place] !== 0 && keys[place] >>> 24 === kind) found.push(keys[place] >>> 0);
    }
    return found;
  }

  offsetAt(place: number): number {
    return this.#words[place] * WORD_BYTES;
  }

  /** Bytes in flash of the record at `place`; of a long one up to 12 too many. */
  sizeAt(place: number): number {
    const size = this.#sizes[place];
    return size > EXACT_WORDS ? EXACT_BYTES + (size - EXACT_WORDS) * STEP_BYTES : size * WORD_BYTES;
  }

  /** Points `key` at its newest record. Throws RangeError for a key beyond the capacity. */
  set(key: number, offset: number, size: number): void {
    const place = this.find(key);
    this.setAt(place < 0 ? this.add(key) : place, offset, size);
  }

  /** The same for a key found at `place`. */
  setAt(place: number, offset: number, size: number): void {
    this.bytes -= this.sizeAt(place);
    this.#words[place] = offset / WORD_BYTES;
    this.#sizes[place] =
      size > EXACT_BYTES
        ? EXACT_WORDS + Math.ceil((size - EXACT_BYTES) / STEP_BYTES)
        : size / WORD_BYTES;
    this.bytes += this.sizeAt(place);
  }

  /** A place for a key that has none yet. */
  private add(key: number): number {
    if (this.count === this.capacity) throw new RangeError("store: more keys than it was made for");
    let place = this.home(key | 0);
    while (this.#words[place] !== 0) if (++place === this.#places) place = 0;
    this.#keys[place] = key | 0;
    this.#sizes[place] = 0;
    this.count++;
    return place;
  }

  /** Takes `key` out, if it is there; what comes behind in the same run moves up. */
  remove(key: number): void {
    let hole = this.find(key);
    if (hole < 0) return;
    this.count--;
    this.bytes -= this.sizeAt(hole);
    let place = hole;
    for (;;) {
      if (++place === this.#places) place = 0;
      if (this.#words[place] === 0) break;
      const home = this.home(this.#keys[place]);
      // A key may not move to before its home: that would put it out of reach.
      const isBetween = hole < place ? home > hole && home <= place : home > hole || home <= place;
      if (isBetween) continue;
      this.#keys[hole] = this.#keys[place];
      this.#words[hole] = this.#words[place];
      this.#sizes[hole] = this.#sizes[place];
      hole = place;
    }
    this.#words[hole] = 0;
  }

  /** Spreads keys by multiplication; small enough for 31 bits, which XS multiplies fastest. */
  private home(key: number): number {
    const mixed = (key & 0xfff) * 40503 + (key >>> 12) * 997;
    return ((mixed & 0xffff) * this.#places) >>> 16;
  }
}
