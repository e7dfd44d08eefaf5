import type { RelayTap } from './relay.ts';

/** How a VNC server answered the login: `turned-away` before it, or for too many tries; null: not known (yet). */
export type RfbOutcome = 'accepted' | 'refused' | 'turned-away' | null;

interface Want {
  readonly from: 'target' | 'guacd';
  readonly bytes: number;
}

const securityTypes = { refusal: 0, none: 1, vncPassword: 2 } as const;
const results = { ok: 0, failed: 1 } as const;
/** Bytes of a handshake; whoever says more before its end is not followed. */
const mostHeld = 4 * 1024;

/**
 * Reads along with the handshake of RFC 6143 §7.1 to learn how the login went, because guacd gives one status for a wrong
 * password and for a server that is not there. It only looks on: what it does not know it leaves alone.
 */
export class RfbLogin implements RelayTap {
  outcome: RfbOutcome = null;
  readonly #steps = handshake();
  readonly #held = { target: new Uint8Array(0), guacd: new Uint8Array(0) };
  #want: Want | null;

  constructor() {
    this.#want = this.#steps.next().value as Want; // the version, always
  }

  fromTarget(bytes: Uint8Array): void {
    this.#read('target', bytes);
  }

  fromGuacd(bytes: Uint8Array): void {
    this.#read('guacd', bytes);
  }

  #read(from: Want['from'], bytes: Uint8Array): void {
    if (this.#want === null) return;
    const held = new Uint8Array(this.#held[from].length + bytes.length);
    held.set(this.#held[from]);
    held.set(bytes, this.#held[from].length);
    this.#held[from] = held;
    while (this.#want !== null && this.#held[this.#want.from].length >= this.#want.bytes)
      this.#step(this.#want);
    if (this.#held.target.length > mostHeld || this.#held.guacd.length > mostHeld) this.#want = null;
  }

  #step({ from, bytes }: Want): void {
    const read = this.#held[from].subarray(0, bytes);
    this.#held[from] = this.#held[from].subarray(bytes);
    const step = this.#steps.next(read);
    if (step.done !== true) return void (this.#want = step.value);
    this.#want = null;
    this.outcome = step.value;
  }
}

function* handshake(): Generator<Want, RfbOutcome, Uint8Array> {
  const offered = minorVersion(yield { from: 'target', bytes: 12 });
  const chosen = minorVersion(yield { from: 'guacd', bytes: 12 });
  if (offered === null || chosen === null) return null;
  const type = yield* chosen < 7 ? givenSecurity() : chosenSecurity();
  if (type === securityTypes.refusal) return 'turned-away';
  if (type === securityTypes.none && chosen < 8) return 'accepted';
  if (type !== securityTypes.none && type !== securityTypes.vncPassword) return null;
  if (type === securityTypes.vncPassword) {
    yield { from: 'target', bytes: 16 }; // challenge
    yield { from: 'guacd', bytes: 16 }; // response
  }
  const result = uint32(yield { from: 'target', bytes: 4 });
  if (result === results.ok) return 'accepted';
  return result === results.failed ? 'refused' : 'turned-away';
}

/** Version 3.3: the server decides. */
function* givenSecurity(): Generator<Want, number, Uint8Array> {
  return uint32(yield { from: 'target', bytes: 4 });
}

/** From 3.7 on: the server offers, none at all with a refusal. */
function* chosenSecurity(): Generator<Want, number, Uint8Array> {
  const [count = 0] = yield { from: 'target', bytes: 1 };
  if (count === 0) return securityTypes.refusal;
  yield { from: 'target', bytes: count };
  const [type = 0] = yield { from: 'guacd', bytes: 1 };
  return type;
}

/** Null for another protocol, and for a repeater (000.000). */
function minorVersion(bytes: Uint8Array): number | null {
  const text = String.fromCharCode(...bytes);
  return /^RFB 003\.\d{3}\n$/.test(text) ? Number(text.slice(8, 11)) : null;
}

function uint32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}
