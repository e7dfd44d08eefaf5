import { FileFailure } from './file-failure.ts';

/** Of one answer: OpenSSH's own bound. */
const longestPacket = 256 * 1024;
const shortestPacket = 5;

/** Puts packets together of the pieces in which they come; a packet's announced length bounds what is held of it. */
export class PacketAssembler {
  readonly #header = Buffer.alloc(4);
  #headerLength = 0;
  #packet: Buffer | null = null;
  #filled = 0;

  /** The packets that are whole with this chunk, without their lengths. Throws `sftp-broken` for an impossible length. */
  *add(chunk: Buffer): Generator<Buffer, void> {
    for (let at = 0; at < chunk.length;) {
      if (this.#packet === null) at = this.#begin(chunk, at);
      if (this.#packet === null) return;
      const taken = chunk.copy(this.#packet, this.#filled, at);
      at += taken;
      this.#filled += taken;
      if (this.#filled < this.#packet.length) return;
      const whole = this.#packet;
      this.#packet = null;
      yield whole;
    }
  }

  #begin(chunk: Buffer, at: number): number {
    const taken = chunk.copy(this.#header, this.#headerLength, at);
    this.#headerLength += taken;
    if (this.#headerLength < 4) return at + taken;
    const length = this.#header.readUInt32BE(0);
    if (length < shortestPacket || length > longestPacket) throw new FileFailure('sftp-broken');
    this.#headerLength = 0;
    this.#packet = Buffer.allocUnsafe(length);
    this.#filled = 0;
    return at + taken;
  }
}
