// GHASH of AES-GCM (NIST SP 800-38D §6.4), for blobs that are too large to be sealed in one piece. In constant time: products
// without carries are made of ordinary ones whose bits lie four apart, and no secret is an index or a condition.

const blockLength = 16;
const parts = 9;

/** The hash of one message under one subkey. Feed whole blocks; a last one that is shorter is filled with zeros. */
export class Ghash {
  /** The state, and the subkey for products: the lowest word first, each nine sums as Karatsuba takes them. */
  readonly #state = new Int32Array(4);
  readonly #key: Int32Array;
  readonly #reversedKey: Int32Array;
  readonly #sums = new Int32Array(parts);
  readonly #reversedSums = new Int32Array(parts);
  readonly #low = new Int32Array(parts);
  readonly #high = new Int32Array(parts);
  readonly #product = new Int32Array(8);

  /** `subkey`: the cipher's encryption of a block of zeros, 16 bytes. */
  constructor(subkey: Uint8Array) {
    const words = wordsOf(new DataView(subkey.buffer, subkey.byteOffset, blockLength), 0);
    this.#key = sumsOf(words, new Int32Array(parts));
    this.#reversedKey = sumsOf(words.map(reverse), new Int32Array(parts));
  }

  update(bytes: Uint8Array): void {
    const whole = bytes.length - (bytes.length % blockLength);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let offset = 0; offset < whole; offset += blockLength) this.#block(view, offset);
    if (whole === bytes.length) return;
    const last = new Uint8Array(blockLength);
    last.set(bytes.subarray(whole));
    this.#block(new DataView(last.buffer), 0);
  }

  /** 16 bytes. */
  digest(): Uint8Array<ArrayBuffer> {
    const view = new DataView(new ArrayBuffer(blockLength));
    for (let word = 0; word < 4; word++) view.setInt32(12 - 4 * word, this.#state[word] ?? 0);
    return new Uint8Array(view.buffer);
  }

  #block(view: DataView, offset: number): void {
    const state = this.#state;
    for (let word = 0; word < 4; word++)
      state[word] = (state[word] ?? 0) ^ view.getInt32(offset + 12 - 4 * word);
    this.#multiply();
  }

  /** state ← state · subkey. */
  #multiply(): void {
    const [state, low, high] = [this.#state, this.#low, this.#high];
    sumsOf(state, this.#sums);
    for (let word = 0; word < 4; word++) state[word] = reverse(state[word] ?? 0);
    sumsOf(state, this.#reversedSums);
    for (let part = 0; part < parts; part++) {
      low[part] = lowProduct(this.#sums[part] ?? 0, this.#key[part] ?? 0);
      high[part] = reverse(lowProduct(this.#reversedSums[part] ?? 0, this.#reversedKey[part] ?? 0)) >>> 1;
    }
    combine(low, high, this.#product);
    reduce(this.#product, state);
  }
}

/** Four words of a block, the lowest (its last bytes) first. */
function wordsOf(view: DataView, offset: number): Int32Array {
  return Int32Array.of(12, 8, 4, 0).map((at) => view.getInt32(offset + at));
}

/** What two steps of Karatsuba multiply: for the low, the high and both halves, its words and their sum. */
function sumsOf(words: Int32Array, into: Int32Array): Int32Array {
  const [a = 0, b = 0, c = 0, d = 0] = [words[0], words[1], words[2], words[3]];
  into[0] = a;
  into[1] = b;
  into[2] = a ^ b;
  into[3] = c;
  into[4] = d;
  into[5] = c ^ d;
  into[6] = a ^ c;
  into[7] = b ^ d;
  into[8] = a ^ b ^ c ^ d;
  return into;
}

/** The low 32 bits of a product without carries. With bits four apart, eight sums fit without touching the next. */
function lowProduct(x: number, y: number): number {
  const x0 = x & 0x11111111;
  const x1 = x & 0x22222222;
  const x2 = x & 0x44444444;
  const x3 = x & 0x88888888;
  const y0 = y & 0x11111111;
  const y1 = y & 0x22222222;
  const y2 = y & 0x44444444;
  const y3 = y & 0x88888888;
  const z0 = Math.imul(x0, y0) ^ Math.imul(x1, y3) ^ Math.imul(x2, y2) ^ Math.imul(x3, y1);
  const z1 = Math.imul(x0, y1) ^ Math.imul(x1, y0) ^ Math.imul(x2, y3) ^ Math.imul(x3, y2);
  const z2 = Math.imul(x0, y2) ^ Math.imul(x1, y1) ^ Math.imul(x2, y0) ^ Math.imul(x3, y3);
  const z3 = Math.imul(x0, y3) ^ Math.imul(x1, y2) ^ Math.imul(x2, y1) ^ Math.imul(x3, y0);
  return (z0 & 0x11111111) | (z1 & 0x22222222) | (z2 & 0x44444444) | (z3 & 0x88888888);
}

/** The bits of a word from the other end: the high half of a product is the low half of the reversed one. */
function reverse(word: number): number {
  let bits = ((word & 0x55555555) << 1) | ((word >>> 1) & 0x55555555);
  bits = ((bits & 0x33333333) << 2) | ((bits >>> 2) & 0x33333333);
  bits = ((bits & 0x0f0f0f0f) << 4) | ((bits >>> 4) & 0x0f0f0f0f);
  bits = ((bits & 0x00ff00ff) << 8) | ((bits >>> 8) & 0x00ff00ff);
  return (bits << 16) | (bits >>> 16);
}

/** The 255 bits of the product of its nine partial ones. */
function combine(low: Int32Array, high: Int32Array, into: Int32Array): void {
  into.fill(0);
  addHalf(low, high, 0, into, 0);
  addHalf(low, high, 0, into, 2);
  addHalf(low, high, 3, into, 2);
  addHalf(low, high, 3, into, 4);
  addHalf(low, high, 6, into, 2);
}

/** Adds the product of two double words, of which `first` begins the partial ones, at a word of `into`. */
function addHalf(low: Int32Array, high: Int32Array, first: number, into: Int32Array, at: number): void {
  const [l0 = 0, l1 = 0] = [low[first], high[first]];
  const [h0 = 0, h1 = 0] = [low[first + 1], high[first + 1]];
  const m0 = (low[first + 2] ?? 0) ^ l0 ^ h0;
  const m1 = (high[first + 2] ?? 0) ^ l1 ^ h1;
  into[at] = (into[at] ?? 0) ^ l0;
  into[at + 1] = (into[at + 1] ?? 0) ^ l1 ^ m0;
  into[at + 2] = (into[at + 2] ?? 0) ^ h0 ^ m1;
  into[at + 3] = (into[at + 3] ?? 0) ^ h1;
}

/** Modulo x¹²⁸ + x⁷ + x² + x + 1. The highest bit is the lowest power, so a product is one bit short, and x shifts right. */
function reduce(product: Int32Array, into: Int32Array): void {
  for (let word = 7; word > 0; word--)
    product[word] = ((product[word] ?? 0) << 1) | ((product[word - 1] ?? 0) >>> 31);
  product[0] = (product[0] ?? 0) << 1;
  for (let word = 0; word < 4; word++) {
    const bits = product[word] ?? 0;
    product[word + 4] = (product[word + 4] ?? 0) ^ bits ^ (bits >>> 1) ^ (bits >>> 2) ^ (bits >>> 7);
    product[word + 3] = (product[word + 3] ?? 0) ^ (bits << 31) ^ (bits << 30) ^ (bits << 25);
  }
  for (let word = 0; word < 4; word++) into[word] = product[word + 4] ?? 0;
}
