import { duplexPair, type Duplex } from 'node:stream';

/** A request as it came: its type, its id, and what follows. */
export interface SftpRequest {
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

/** What the peer does with a request: bytes to send, which need not be an answer; null: nothing. */
export type SftpBehaviour = (request: SftpRequest) => Buffer | null;

const folderMode = 0o040755;
const fileMode = 0o100644;

/** An SFTP server that has one folder with one file in it, and is as bad as a test makes it. */
export class SftpPeer {
  /** The gateway's end of the channel. */
  readonly channel: Duplex;
  readonly requests: SftpRequest[] = [];
  /** Before the usual: what is given in place of it; undefined: the usual. */
  odd: (request: SftpRequest) => Buffer | null | undefined = () => undefined;
  /** Of the file. */
  content: Buffer = Buffer.from('content');
  readonly #far: Duplex;
  readonly #greeting: Buffer | null;
  #held = Buffer.alloc(0);
  #listed = false;

  constructor(greeting: Buffer | null = sftpPacket(2, 3)) {
    [this.channel, this.#far] = duplexPair();
    this.#greeting = greeting;
    this.#far.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#far.on('error', () => {});
  }

  send(bytes: Buffer): void {
    this.#far.write(bytes);
  }

  hangUp(): void {
    this.#far.destroy();
  }

  count(type: number): number {
    return this.requests.filter((request) => request.type === type).length;
  }

  #take(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= 4 && this.#held.length >= 4 + this.#held.readUInt32BE(0)) {
      const packet = this.#held.subarray(4, 4 + this.#held.readUInt32BE(0));
      this.#held = this.#held.subarray(4 + packet.length);
      this.#answer(packet);
    }
  }

  #answer(packet: Buffer): void {
    if (packet[0] === 1) return void (this.#greeting && this.send(this.#greeting));
    const request = { type: packet[0] ?? 0, id: packet.readUInt32BE(1), body: packet.subarray(5) };
    this.requests.push(request);
    const odd = this.odd(request);
    const bytes = odd === undefined ? this.#usual(request) : odd;
    if (bytes !== null) this.send(bytes);
  }

  #usual({ type, id, body }: SftpRequest): Buffer {
    const path = textsIn(body)[0]?.toString() ?? '';
    switch (type) {
      case 16:
        return namesAnswer(id, [{ name: path === '.' ? '/home' : path }]);
      case 17:
      case 7:
        if (path === '/home') return attributesAnswer(id, folderMode, 0);
        return path === '/home/file' ? attributesAnswer(id, fileMode, this.content.length) : status(id, 2);
      case 8:
        return attributesAnswer(id, fileMode, this.content.length);
      case 3:
      case 11:
        this.#listed = false;
        return sftpPacket(102, id, Buffer.from('h'));
      case 12:
        if (this.#listed) return status(id, 1);
        this.#listed = true;
        return namesAnswer(id, [{ name: 'file', mode: fileMode, size: this.content.length }]);
      case 5: {
        const from = Number(body.readBigUInt64BE(5));
        const part = this.content.subarray(from, from + body.readUInt32BE(13));
        return part.length === 0 ? status(id, 1) : sftpPacket(103, id, part);
      }
      case 6: {
        const from = Number(body.readBigUInt64BE(5));
        const data = textsIn(body.subarray(13))[0] ?? Buffer.alloc(0);
        const grown = Buffer.alloc(Math.max(this.content.length, from + data.length));
        this.content.copy(grown);
        data.copy(grown, from);
        this.content = grown;
        return status(id, 0);
      }
      default:
        return status(id, 0);
    }
  }
}

/** A packet of numbers (uint32) and strings after its type. */
export function sftpPacket(type: number, ...fields: readonly (number | Buffer)[]): Buffer {
  const parts = fields.flatMap((field) =>
    typeof field === 'number' ? [number(field)] : [number(field.length), field],
  );
  const body = Buffer.concat([Buffer.from([type]), ...parts]);
  return Buffer.concat([number(body.length), body]);
}

export function status(id: number, code: number): Buffer {
  return sftpPacket(101, id, code, Buffer.from('why'), Buffer.from(''));
}

export function attributesAnswer(id: number, mode: number, size: number): Buffer {
  return sftpPacket(105, id, 5, 0, size, mode);
}

export interface ListedName {
  readonly name: string | Buffer;
  readonly mode?: number;
  readonly size?: number;
}

export function namesAnswer(id: number, files: readonly ListedName[]): Buffer {
  const fields = files.flatMap(({ name, mode = 0, size = 0 }) => [
    ...[Buffer.from(name), Buffer.from('-rw-r--r-- as ls would'), 5, 0, size, mode],
  ]);
  return sftpPacket(104, id, files.length, ...fields);
}

function number(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

/** The strings at the beginning of a body. */
function textsIn(body: Buffer): Buffer[] {
  const texts: Buffer[] = [];
  for (let at = 0; at + 4 <= body.length;) {
    const length = body.readUInt32BE(at);
    if (at + 4 + length > body.length) break;
    texts.push(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}
