import type { Duplex } from 'node:stream';
import { FileFailure } from './file-failure.ts';
import { PacketAssembler } from './packet-assembler.ts';
import {
  decodeAnswer,
  decodeVersion,
  encodePacket,
  openFlags,
  packetData,
  sftpRequests,
  statusCodes,
  type FileAttributes,
  type NamedFile,
  type SftpAnswer,
} from './sftp-packets.ts';

/** With requests waiting, so long without any answer: a server that hangs. Disks that spin up take ten seconds. */
const defaultSilentMs = 60_000;

interface Waiting {
  readonly resolve: (answer: SftpAnswer) => void;
  readonly reject: (failure: FileFailure) => void;
}

/**
 * SFTP version 3 over one channel of an SSH connection. ssh2 has a client of its own; this one has names as the bytes
 * that they are, holds to bounds, and takes any number of requests at once. Every call may throw a {@link FileFailure}.
 */
export class SftpClient {
  readonly #channel: Duplex;
  readonly #silentMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #assembler = new PacketAssembler();
  #lastId = 0;
  #failure: FileFailure | null = null;
  #silence: NodeJS.Timeout | null = null;
  #extensions: ReadonlySet<string> | null = null;
  #ready: (failure: FileFailure | null) => void = () => {};

  private constructor(channel: Duplex, silentMs: number) {
    this.#channel = channel;
    this.#silentMs = silentMs;
    channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    channel.on('error', () => this.#fail('sftp-broken'));
    channel.once('close', () => this.#fail('sftp-broken'));
    channel.once('end', () => this.#fail('sftp-broken'));
  }

  /** Greets the server on the channel of the subsystem. */
  static async open(channel: Duplex, silentMs = defaultSilentMs): Promise<SftpClient> {
    const client = new SftpClient(channel, silentMs);
    await client.#greet();
    return client;
  }

  /** Whether it takes requests still. */
  get usable(): boolean {
    return this.#failure === null;
  }

  has(extension: string): boolean {
    return this.#extensions?.has(extension) === true;
  }

  close(): void {
    this.#fail('unavailable');
  }

  /** The path with every link followed; of a path whose last part is not there, perhaps that part as it was given. */
  async realPath(path: Uint8Array): Promise<Buffer> {
    const answer = await this.#ask(sftpRequests.realpath, [path]);
    const [file] = answer.kind === 'names' ? answer.files : [];
    if (file === undefined || file.name[0] !== 0x2f) throw failureOf(answer);
    return file.name;
  }

  async stat(path: Uint8Array): Promise<FileAttributes> {
    return attributesIn(await this.#ask(sftpRequests.stat, [path]));
  }

  /** Of a link itself. */
  async linkStat(path: Uint8Array): Promise<FileAttributes> {
    return attributesIn(await this.#ask(sftpRequests.lstat, [path]));
  }

  async handleStat(handle: Buffer): Promise<FileAttributes> {
    return attributesIn(await this.#ask(sftpRequests.fstat, [handle]));
  }

  async openFolder(path: Uint8Array): Promise<Buffer> {
    return handleIn(await this.#ask(sftpRequests.opendir, [path]));
  }

  /** The next entries, in no order; null when there are no more. */
  async readFolder(handle: Buffer): Promise<readonly NamedFile[] | null> {
    const answer = await this.#ask(sftpRequests.readdir, [handle]);
    if (isEof(answer)) return null;
    if (answer.kind !== 'names' || answer.files.length === 0) throw failureOf(answer);
    return answer.files;
  }

  /** `mode`: of a file that is made; null: the account's usual one. */
  async openFile(path: Uint8Array, flags: number, mode: number | null = null): Promise<Buffer> {
    const attributes = mode === null ? [0] : [4, mode];
    return handleIn(await this.#ask(sftpRequests.open, [path, flags, ...attributes]));
  }

  openToRead(path: Uint8Array): Promise<Buffer> {
    return this.openFile(path, openFlags.read);
  }

  /** At most `length` bytes from there, perhaps fewer; null at the end of the file. */
  async read(handle: Buffer, offset: number, length: number): Promise<Buffer | null> {
    const answer = await this.#ask(sftpRequests.read, [handle, BigInt(offset), length]);
    if (isEof(answer)) return null;
    if (answer.kind !== 'data') throw failureOf(answer);
    if (answer.data.length === 0 || answer.data.length > length) throw this.#fail('sftp-broken');
    return answer.data;
  }

  /** All of at most {@link packetData} bytes. */
  async write(handle: Buffer, offset: number, data: Uint8Array): Promise<void> {
    done(await this.#ask(sftpRequests.write, [handle, BigInt(offset), data]));
  }

  async closeHandle(handle: Buffer): Promise<void> {
    done(await this.#ask(sftpRequests.close, [handle]));
  }

  async remove(path: Uint8Array): Promise<void> {
    done(await this.#ask(sftpRequests.remove, [path]));
  }

  async removeFolder(path: Uint8Array): Promise<void> {
    done(await this.#ask(sftpRequests.rmdir, [path]));
  }

  async makeFolder(path: Uint8Array): Promise<void> {
    done(await this.#ask(sftpRequests.mkdir, [path, 0]));
  }

  /** Fails when the new name is taken. */
  async rename(from: Uint8Array, to: Uint8Array): Promise<void> {
    done(await this.#ask(sftpRequests.rename, [from, to]));
  }

  /** Takes the place of what has the new name, in one step where the server can; else that stays beside it meanwhile. */
  async replace(from: Uint8Array, to: Uint8Array): Promise<void> {
    const name = 'posix-rename@openssh.com';
    if (this.has(name)) return done(await this.#ask(sftpRequests.extended, [Buffer.from(name), from, to]));
    const former = Buffer.concat([from, Buffer.from('.former')]);
    await this.rename(to, former);
    await this.rename(from, to).catch(async (error: unknown) => {
      await this.rename(former, to).catch(() => {}); // it stays beside: the first failure is the one to be told
      throw error;
    });
    await this.remove(former).catch(() => {}); // the new one is in its place, whatever stays beside it
  }

  /** Whether the disk of that path has no room for one packet more, as far as the server says. */
  async isFull(path: Uint8Array): Promise<boolean> {
    const name = 'statvfs@openssh.com';
    if (!this.has(name)) return false;
    const answer = await this.#ask(sftpRequests.extended, [Buffer.from(name), path]);
    // Eleven uint64 (OpenSSH PROTOCOL §4.3): the second is the size of a block, the fifth how many an account may take.
    if (answer.kind !== 'extended' || answer.data.length < 5 * 8) return false;
    return answer.data.readBigUInt64BE(8) * answer.data.readBigUInt64BE(4 * 8) < BigInt(packetData);
  }

  #greet(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.#ready = (failure) => (failure ? reject(failure) : resolve());
    });
    this.#channel.write(Buffer.from([0, 0, 0, 5, sftpRequests.init, 0, 0, 0, 3]));
    this.#watchSilence();
    return ready;
  }

  #ask(type: number, fields: readonly (number | bigint | Uint8Array)[]): Promise<SftpAnswer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = (this.#lastId = (this.#lastId + 1) % 0xffff_ffff);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      if (this.#silence === null) this.#watchSilence();
      this.#channel.write(encodePacket(type, id, fields));
    });
  }

  #receive(chunk: Buffer): void {
    if (this.#failure) return;
    try {
      for (const packet of this.#assembler.add(chunk)) this.#take(packet);
    } catch {
      this.#fail('sftp-broken');
    }
  }

  #take(packet: Buffer): void {
    if (this.#extensions === null) this.#welcome(decodeVersion(packet));
    else this.#settle(packet);
  }

  #welcome(extensions: ReadonlySet<string>): void {
    this.#extensions = extensions;
    this.#quiet();
    this.#ready(null);
  }

  #settle(packet: Buffer): void {
    const { id, answer } = decodeAnswer(packet);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new FileFailure('sftp-broken'); // nobody asked
    this.#waiting.delete(id);
    this.#quiet();
    if (this.#waiting.size > 0) this.#watchSilence();
    waiting.resolve(answer);
  }

  #watchSilence(): void {
    this.#silence = setTimeout(() => this.#fail('sftp-silent'), this.#silentMs);
  }

  #quiet(): void {
    if (this.#silence !== null) clearTimeout(this.#silence);
    this.#silence = null;
  }

  #fail(code: FileFailure['code']): FileFailure {
    if (this.#failure) return this.#failure;
    this.#quiet();
    const failure = (this.#failure = new FileFailure(code));
    this.#ready(failure);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(failure);
    this.#channel.destroy();
    return failure;
  }
}

function isEof(answer: SftpAnswer): boolean {
  return answer.kind === 'status' && answer.code === statusCodes.eof;
}

function attributesIn(answer: SftpAnswer): FileAttributes {
  if (answer.kind !== 'attributes') throw failureOf(answer);
  return answer.attributes;
}

function handleIn(answer: SftpAnswer): Buffer {
  if (answer.kind !== 'handle') throw failureOf(answer);
  return answer.handle;
}

function done(answer: SftpAnswer): void {
  if (answer.kind !== 'status' || answer.code !== statusCodes.ok) throw failureOf(answer);
}

/** An answer of another kind than was asked for is a status that says why, or nonsense. */
function failureOf(answer: SftpAnswer): FileFailure {
  if (answer.kind !== 'status') return new FileFailure('sftp-broken');
  if (answer.code === statusCodes.noSuchFile) return new FileFailure('no-such-file');
  if (answer.code === statusCodes.permissionDenied) return new FileFailure('permission-denied');
  return new FileFailure('refused');
}
