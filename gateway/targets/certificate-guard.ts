import { isPinned } from '../ssh/host-key.ts';
import { SessionFailure } from '../terminal/failure.ts';
import { describeCertificate } from './rdp-certificate.ts';
import type { RelayGuard } from './relay.ts';

/** Bytes before the certificate has been seen; a chain of certificates takes a few thousand. */
const mostHeld = 32 * 1024;
/** Bytes of an X.224 Connection Confirm with its answer: 19 in fact. */
const mostConfirm = 1_024;
/** TLSPlaintext.length, RFC 5246 §6.2.1. */
const mostFragment = 16_384;
const handshakeRecord = 22;
const serverHello = 2;
const certificateMessage = 11;
const tls12 = 0x0303;
/** supported_versions, by which TLS 1.3 is chosen (RFC 8446 §4.2.1). */
const versionsExtension = 43;
const protocolRdp = 0;

/**
 * Reads along where an RDP target begins TLS with guacd, and lets through nothing of it before the target has shown the
 * one certificate that is expected. guacd's own TLS then sees to it that who shows it has its key. Certificates can be
 * read up to TLS 1.2 (RFC 5246 §7.4.2); any other beginning is refused, TLS 1.3 too.
 */
export class CertificateGuard implements RelayGuard {
  readonly #expected: string;
  readonly #onRefused: (failure: SessionFailure) => void;
  readonly #held = Buffer.alloc(mostHeld);
  #length = 0;
  #read = 0; // of what is held, whole packets and records
  #given = 0; // of what is held: the answer to guacd's knock
  #messages = Buffer.alloc(0); // of the handshake, not read yet
  #state: 'confirm' | 'hello' | 'certificate' | 'open' | 'refused' = 'confirm';

  /** `expected` as {@link describeCertificate} gives it. `onRefused` is called once, with why. */
  constructor(expected: string, onRefused: (failure: SessionFailure) => void) {
    this.#expected = expected;
    this.#onRefused = onRefused;
  }

  rewrite(bytes: Uint8Array): Uint8Array {
    if (this.#state === 'open') return bytes;
    try {
      return this.#hold(bytes);
    } catch (error) {
      if (!(error instanceof SessionFailure)) throw error;
      this.#state = 'refused';
      this.#onRefused(error);
      return Buffer.alloc(0);
    }
  }

  fromGuacd(): void {}

  /** Gives all that was held once the certificate is seen, and of the answer to guacd's knock what it may have at once. */
  #hold(bytes: Uint8Array): Uint8Array {
    if (this.#state === 'refused') return Buffer.alloc(0);
    if (this.#length + bytes.length > mostHeld) throw refused('it says too much before its certificate');
    this.#held.set(bytes, this.#length);
    this.#length += bytes.length;
    while (this.#next()) {
      if (this.#isOpen()) return this.#held.subarray(this.#given, this.#length);
      if (this.#given === 0) return this.#give();
    }
    return Buffer.alloc(0);
  }

  /** The answer to the knock. Whatever came with it is read at once. */
  #give(): Uint8Array {
    this.#given = this.#read;
    const confirm = this.#held.subarray(0, this.#given);
    return Buffer.concat([confirm, this.#hold(Buffer.alloc(0))]);
  }

  #isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Reads one packet or record, when it is there whole. */
  #next(): boolean {
    const rest = this.#held.subarray(this.#read, this.#length);
    const whole = this.#state === 'confirm' ? this.#confirm(rest) : this.#record(rest);
    this.#read += whole;
    return whole > 0;
  }

  /** X.224 Connection Confirm, [MS-RDPBCGR] 2.2.1.2. */
  #confirm(rest: Buffer): number {
    if (rest.length > 0 && rest[0] !== 3) throw refused('it does not speak RDP');
    const length = rest.length < 4 ? 0 : rest.readUInt16BE(2);
    if (length > mostConfirm) throw refused('it does not speak RDP');
    if (length === 0 || rest.length < length) return 0;
    const answer = rest.subarray(11, length);
    const selects = (rest[5] ?? 0) >> 4 === 0xd && answer.length >= 8 && answer[0] === 2;
    if (!selects || answer.readUInt32LE(4) === protocolRdp) throw refused('it offers no TLS any more');
    this.#state = 'hello';
    return length;
  }

  #record(rest: Buffer): number {
    if (rest.length > 0 && rest[0] !== handshakeRecord) throw refused('it does not begin TLS');
    const length = rest.length < 5 ? 0 : rest.readUInt16BE(3);
    if (length > mostFragment) throw refused('it does not begin TLS');
    if (length === 0 || rest.length < 5 + length) return 0;
    this.#messages = Buffer.concat([this.#messages, rest.subarray(5, 5 + length)]);
    while (!this.#isOpen() && this.#message());
    return 5 + length;
  }

  #message(): boolean {
    const length = this.#messages.length < 4 ? null : this.#messages.readUIntBE(1, 3);
    if (length === null || this.#messages.length < 4 + length) return false;
    const [type] = this.#messages;
    const body = this.#messages.subarray(4, 4 + length);
    this.#messages = this.#messages.subarray(4 + length);
    if (this.#state === 'hello') this.#hello(type, body);
    else this.#certificate(type, body);
    return true;
  }

  /** RFC 5246 §7.4.1.3. */
  #hello(type: number | undefined, body: Buffer): void {
    const session = body[34] ?? 0;
    const extensions = body.subarray(35 + session + 3 + 2);
    if (type !== serverHello || body.length < 38 + session || body.readUInt16BE(0) !== tls12)
      throw refused('it does not begin TLS 1.2');
    if (extensionsOf(extensions).includes(versionsExtension))
      throw refused('guacd agrees on TLS 1.3 with it, in which nobody else sees a certificate');
    this.#state = 'certificate';
  }

  /** RFC 5246 §7.4.2: the first of the list is the target's own. */
  #certificate(type: number | undefined, body: Buffer): void {
    const length = body.length < 6 ? 0 : body.readUIntBE(3, 3);
    if (type !== certificateMessage || length === 0 || body.length < 6 + length)
      throw refused('it shows no certificate');
    const der = body.subarray(6, 6 + length);
    if (!isPinned(der, [this.#expected])) {
      const message = 'the machine shows another certificate than a moment ago';
      throw new SessionFailure('target', 'host-key-mismatch', message, describeCertificate(der));
    }
    this.#state = 'open';
  }
}

function extensionsOf(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt16BE(at + 2))
    types.push(bytes.readUInt16BE(at));
  return types;
}

function refused(why: string): SessionFailure {
  return new SessionFailure('target', 'security-refused', `the machine cannot show who it is: ${why}`);
}
