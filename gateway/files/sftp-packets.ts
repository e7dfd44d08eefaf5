import { FileFailure } from './file-failure.ts';

/** Requests of SFTP version 3 (draft-ietf-secsh-filexfer-02 §3), which every server speaks. */
export const sftpRequests = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  extended: 200,
} as const;

/** Flags of `open`. */
export const openFlags = { read: 1, write: 2, create: 8, truncate: 16, exclusive: 32 } as const;

export const statusCodes = { ok: 0, eof: 1, noSuchFile: 2, permissionDenied: 3, failure: 4 } as const;

/** Of a file: what a server said of it. */
export interface FileAttributes {
  readonly size: number;
  /** Seconds since 1970; 0: not said. */
  readonly modified: number;
  /** Kind and permissions, as POSIX has them; 0: not said. */
  readonly mode: number;
}

export interface NamedFile extends FileAttributes {
  readonly name: Buffer;
}

export type SftpAnswer =
  | { readonly kind: 'status'; readonly code: number }
  | { readonly kind: 'handle'; readonly handle: Buffer }
  | { readonly kind: 'data'; readonly data: Buffer }
  | { readonly kind: 'names'; readonly files: readonly NamedFile[] }
  | { readonly kind: 'attributes'; readonly attributes: FileAttributes }
  /** Of an extension's own form. */
  | { readonly kind: 'extended'; readonly data: Buffer };

/** Bytes of a handle (§6.3), and of any name or path of an answer. */
const longestHandle = 256;
const longestText = 4096;
/** Entries of one answer; OpenSSH gives 100. */
const mostNames = 10_000;
const mostExtensions = 64;

/** One packet: numbers as uint32, bigints as uint64, bytes as strings. */
export function encodePacket(
  type: number,
  id: number,
  fields: readonly (number | bigint | Uint8Array)[],
): Buffer {
  const length = fields.reduce<number>((sum, field) => sum + widthOf(field), 5);
  const out = Buffer.allocUnsafe(4 + length);
  out.writeUInt32BE(length, 0);
  out[4] = type;
  out.writeUInt32BE(id, 5);
  let at = 9;
  for (const field of fields) at = put(out, at, field);
  return out;
}

function widthOf(field: number | bigint | Uint8Array): number {
  if (typeof field === 'number') return 4;
  return typeof field === 'bigint' ? 8 : 4 + field.length;
}

function put(out: Buffer, at: number, field: number | bigint | Uint8Array): number {
  if (typeof field === 'number') return out.writeUInt32BE(field, at);
  if (typeof field === 'bigint') return out.writeBigUInt64BE(field, at);
  out.writeUInt32BE(field.length, at);
  out.set(field, at + 4);
  return at + 4 + field.length;
}

/** The extensions that a server names in its first packet. Throws `sftp-broken` for anything but version 3. */
export function decodeVersion(packet: Buffer): ReadonlySet<string> {
  const reader = new PacketReader(packet);
  if (reader.byte() !== 2 || reader.uint32() !== 3) throw new FileFailure('sftp-broken');
  const extensions = new Set<string>();
  while (!reader.atEnd && extensions.size < mostExtensions) {
    extensions.add(reader.text(longestText).toString('latin1'));
    reader.text(longestText);
  }
  return extensions;
}

/** An answer with the id of its request. Throws `sftp-broken`. */
export function decodeAnswer(packet: Buffer): { readonly id: number; readonly answer: SftpAnswer } {
  const reader = new PacketReader(packet);
  const type = reader.byte();
  const id = reader.uint32();
  return { id, answer: decodeBody(type, reader) };
}

function decodeBody(type: number, reader: PacketReader): SftpAnswer {
  switch (type) {
    case 101:
      return { kind: 'status', code: reader.uint32() };
    case 102:
      return { kind: 'handle', handle: reader.text(longestHandle) };
    case 103:
      return { kind: 'data', data: reader.text(packetData) };
    case 104:
      return { kind: 'names', files: reader.names() };
    case 105:
      return { kind: 'attributes', attributes: reader.attributes() };
    case 201:
      return { kind: 'extended', data: reader.rest() };
    default:
      throw new FileFailure('sftp-broken');
  }
}

/** Bytes that a request reads or writes: what every server takes (§3). */
export const packetData = 32 * 1024;

class PacketReader {
  readonly #packet: Buffer;
  #at = 0;

  constructor(packet: Buffer) {
    this.#packet = packet;
  }

  get atEnd(): boolean {
    return this.#at >= this.#packet.length;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0);
  }

  rest(): Buffer {
    return this.#take(this.#packet.length - this.#at);
  }

  text(longest: number): Buffer {
    const length = this.uint32();
    if (length > longest) throw new FileFailure('sftp-broken');
    return this.#take(length);
  }

  names(): readonly NamedFile[] {
    const count = this.uint32();
    if (count > mostNames) throw new FileFailure('sftp-broken');
    return Array.from({ length: count }, () => {
      const name = this.text(longestText);
      this.text(longestText * 2); // as `ls -l` would write it: for people, and in no known form
      return { name, ...this.attributes() };
    });
  }

  /** §5 */
  attributes(): FileAttributes {
    const flags = this.uint32();
    const size = flags & 1 ? this.#uint64() : 0;
    if (flags & 2) this.#take(8); // user and group
    const mode = flags & 4 ? this.uint32() : 0;
    const modified = flags & 8 ? this.#take(8).readUInt32BE(4) : 0;
    if (flags & 0x8000_0000) this.#skipExtensions();
    return { size, mode, modified };
  }

  #skipExtensions(): void {
    const count = this.uint32();
    if (count > mostExtensions) throw new FileFailure('sftp-broken');
    for (let i = 0; i < 2 * count; i++) this.text(longestText);
  }

  #uint64(): number {
    const value = this.#take(8).readBigUInt64BE(0);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileFailure('sftp-broken');
    return Number(value);
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#packet.length) throw new FileFailure('sftp-broken');
    return this.#packet.subarray(this.#at, (this.#at += length));
  }
}

const kindBits = 0o170000;
const kinds = { folder: 0o040000, file: 0o100000, link: 0o120000 } as const;

/** What the mode says that it is. */
export function kindOf({ mode }: Pick<FileAttributes, 'mode'>): 'folder' | 'file' | 'link' | 'other' {
  const kind = mode & kindBits;
  if (kind === kinds.folder) return 'folder';
  if (kind === kinds.link) return 'link';
  return kind === kinds.file ? 'file' : 'other';
}
