import { Duplex } from 'node:stream';
import type ssh2 from 'ssh2';

/** Bytes that ssh2 grants a channel at its start, RFC 4254 §5.2. */
export const forwardWindow = 2 * 1024 * 1024;
/** A grant goes out when so much has been read: half a window, so that the path never runs dry. */
const grantAtOnce = forwardWindow / 2;

/**
 * A connection that another SSH server made (direct-tcpip, RFC 4254 §7.2), as a stream with the manners of a socket:
 * ssh2's own channel never calls back what is written after its end. That server may send as much as was read and one
 * window more; whoever sends beyond it is hung up on.
 */
export class ForwardedSocket extends Duplex {
  readonly #channel: ssh2.ClientChannel;
  readonly #grant: (bytes: number) => void;
  #written: ((error?: Error | null) => void) | null = null;
  #closed = false;
  #received = 0;
  #granted = forwardWindow;

  /** `grant` lets the server send so many bytes more. */
  constructor(channel: ssh2.ClientChannel, grant: (bytes: number) => void) {
    super({ allowHalfOpen: true });
    this.#channel = channel;
    this.#grant = grant;
    channel.on('data', (bytes: Buffer) => this.#take(bytes));
    channel.once('end', () => this.destroyed || this.push(null));
    channel.once('close', () => this.#over());
    channel.on('error', () => this.destroy());
    // Such a channel has no second stream; what claims to be one is of the same window and is never granted again.
    channel.stderr.on('data', (bytes: Buffer) => this.#count(bytes.length));
    channel.stderr.on('error', () => this.destroy());
  }

  /** Nothing is asked for: what was granted comes by itself. */
  override _read(): void {}

  /** Whoever reads goes through here, or is handed the bytes as they come: both make room. */
  override read(size?: number): unknown {
    const bytes: unknown = super.read(size);
    this.#widen();
    return bytes;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#closed) return done();
    this.#written = done;
    this.#channel.write(bytes, (error) => {
      if (this.#written === null) return; // the channel closed meanwhile, and that was the answer
      this.#written = null;
      done(error);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#channel.close();
    this.#channel.resume();
    done(error);
  }

  /** What came before it is still read; what is written from now on is lost, as with any connection that is gone. */
  #over(): void {
    this.#closed = true;
    this.#written?.();
    this.#written = null;
    if (!this.destroyed) this.push(null);
    this.end();
  }

  #take(bytes: Buffer): void {
    if (!this.#count(bytes.length) || this.destroyed) return;
    this.push(bytes);
    this.#widen();
  }

  #widen(): void {
    const read = this.#received - this.readableLength;
    const room = read + forwardWindow - this.#granted;
    if (room < grantAtOnce || this.destroyed) return;
    this.#granted += room;
    this.#grant(room);
  }

  #count(bytes: number): boolean {
    this.#received += bytes;
    if (this.#received <= this.#granted) return true;
    this.destroy();
    return false;
  }
}
