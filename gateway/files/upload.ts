import { encodeHex } from '../../protocol/bytes.ts';
import { joinRemotePath, splitRemotePath } from '../../protocol/channel/remote-path.ts';
import type { RemoteFileAsk } from '../../protocol/channel/remote-files.ts';
import { FileFailure } from './file-failure.ts';
import type { FileHost } from './file-host.ts';
import type { FilePlace } from './file-place.ts';
import { StreamGone, type FileStream } from './file-stream.ts';
import { attributesOf } from './present-files.ts';
import { kindOf, openFlags, packetData, type FileAttributes } from './sftp-packets.ts';

type WriteAsk = Extract<RemoteFileAsk, { kind: 'write' }>;
type DropAsk = Extract<RemoteFileAsk, { kind: 'drop' }>;

/** Writes on their way: 1 MiB. An upload that goes on writes as much again, because of these some may be missing. */
const ahead = 32;
const permissions = 0o777;

interface Target {
  /** Where it is to be in the end. */
  readonly path: Buffer;
  /** Under this name it is written, in the same folder. */
  readonly part: Buffer;
  /** What it replaces. */
  readonly former: FileAttributes | null;
}

/**
 * Takes a file under a name of its own, and gives it its name when it is whole. What broke off with the way to the page
 * stays for an upload that goes on; everything else that is not whole is removed. Returns the bytes taken.
 */
export async function upload(place: FilePlace, stream: FileStream, ask: WriteAsk): Promise<number> {
  const { sftp } = place;
  const target = await findTarget(place, ask);
  if (sftp.hasRoom?.(ask.size) === false) throw new FileFailure('no-space');
  const { handle, offset } = await openPart(sftp, target, ask);
  try {
    await take(sftp, handle, stream, { offset, size: ask.size });
    await sftp.closeHandle(handle);
    await giveName(sftp, target);
  } catch (error) {
    await sftp.closeHandle(handle).catch(ignore);
    const goesOn = error instanceof StreamGone && !stream.withdrawn;
    if (!goesOn) await sftp.remove(target.part).catch(ignore);
    throw await explained(sftp, target, error);
  }
  await stream.answer({ answer: { case: 'done', value: {} } });
  return ask.size - offset;
}

/**
 * Removes what an upload that broke off left, by the name that none but that upload has. What lies there and is no plain
 * file is nobody's upload, and stays.
 */
export async function dropUpload(place: FilePlace, { path, transfer }: DropAsk): Promise<void> {
  const { sftp, root } = place;
  const wanted = await root.place(path);
  const there = await attributesOf(sftp, wanted.path);
  const part = partOf((await behindLink(place, path, { ...wanted, there })).folder, transfer);
  const left = await attributesOf(sftp, part);
  if (left !== null && kindOf(left) === 'file') await sftp.remove(part);
}

const ignore = () => {}; // closed already, or the connection is gone: the first failure is the one to be told

async function findTarget(place: FilePlace, { path, transfer, replace }: WriteAsk): Promise<Target> {
  const wanted = await place.root.place(path);
  const there = await attributesOf(place.sftp, wanted.path);
  if (there !== null && !replace) throw new FileFailure('exists');
  const followed = await behindLink(place, path, { ...wanted, there });
  const former = followed.path === wanted.path ? there : await place.sftp.stat(followed.path);
  if (former !== null && kindOf(former) !== 'file') throw new FileFailure('not-a-file');
  return { path: followed.path, part: partOf(followed.folder, transfer), former };
}

interface Found {
  readonly path: Buffer;
  readonly folder: Uint8Array;
  readonly there: FileAttributes | null;
}

/** Of a link what it leads to is replaced. */
async function behindLink({ root }: FilePlace, asked: Uint8Array, { path, folder, there }: Found) {
  if (there === null || kindOf(there) !== 'link') return { path, folder };
  const followed = await root.real(asked);
  return { path: followed, folder: splitRemotePath(followed)?.folder ?? folder };
}

function partOf(folder: Uint8Array, transfer: Uint8Array): Buffer {
  return Buffer.from(joinRemotePath(folder, Buffer.from(`.sallyport-${encodeHex(transfer)}.part`)));
}

/** A new one, or what there is of it; then from where on it is written. */
async function openPart(sftp: FileHost, { part, former }: Target, { resume, size }: WriteAsk) {
  const left = resume ? await attributesOf(sftp, part) : null;
  if (left !== null && kindOf(left) === 'file' && left.size <= size) {
    const handle = await sftp.openFile(part, openFlags.write);
    return { handle, offset: Math.max(0, left.size - ahead * packetData) };
  }
  const flags = openFlags.write | openFlags.create | openFlags.exclusive;
  return { handle: await sftp.openFile(part, flags, former && former.mode & permissions), offset: 0 };
}

/** What the page sends, in blocks, each given back to its credit once the machine has it. */
async function take(
  sftp: FileHost,
  handle: Buffer,
  stream: FileStream,
  { offset, size }: { readonly offset: number; readonly size: number },
): Promise<void> {
  await stream.answer({ answer: { case: 'ready', value: { offset: BigInt(offset) } } });
  const writes = new WritesAhead(sftp, handle, offset, stream);
  for await (const chunk of stream.chunks()) {
    if (writes.end + chunk.length > size) throw new FileFailure('file-changed');
    await writes.add(chunk);
  }
  await stream.whileHere(writes.finish());
  const taken = (await sftp.handleStat(handle)).size;
  if (writes.end !== size || taken !== size) throw new FileFailure('file-changed');
}

/** Blocks of a packet each, of which some are on their way. */
class WritesAhead {
  readonly #sftp: FileHost;
  readonly #handle: Buffer;
  readonly #page: Pick<FileStream, 'consumed' | 'interrupt'>;
  readonly #writes: Promise<void>[] = [];
  #block = Buffer.allocUnsafe(packetData);
  #filled = 0;
  #at: number;

  constructor(
    sftp: FileHost,
    handle: Buffer,
    from: number,
    page: Pick<FileStream, 'consumed' | 'interrupt'>,
  ) {
    this.#sftp = sftp;
    this.#handle = handle;
    this.#at = from;
    this.#page = page;
  }

  /** The place after all that was added. */
  get end(): number {
    return this.#at + this.#filled;
  }

  /** Settles when there is room for more. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + packetData - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === packetData) this.#send();
    }
    while (this.#writes.length >= ahead) await this.#writes.shift();
  }

  async finish(): Promise<void> {
    if (this.#filled > 0) this.#send();
    await Promise.all(this.#writes);
  }

  /** A packet has a copy of the block. */
  #send(): void {
    const bytes = this.#filled;
    const write = this.#sftp.write(this.#handle, this.#at, this.#block.subarray(0, bytes));
    const written = write.then(() => this.#page.consumed(bytes));
    written.catch((error: unknown) => this.#page.interrupt(error)); // the page sends no more, for want of credit
    this.#writes.push(written);
    this.#at += bytes;
    this.#filled = 0;
  }
}

async function giveName(sftp: FileHost, { path, part, former }: Target): Promise<void> {
  if (former !== null) return await sftp.replace(part, path);
  await sftp.rename(part, path).catch(async (error: unknown) => {
    const taken = (await attributesOf(sftp, path)) !== null;
    throw taken ? new FileFailure('exists') : error;
  });
}

/** A server gives no reason when its disk is full. */
async function explained(sftp: FileHost, { path }: Target, error: unknown): Promise<unknown> {
  if (!(error instanceof FileFailure) || error.code !== 'refused') return error;
  const folder = splitRemotePath(path)?.folder ?? path;
  return (await sftp.isFull(folder)) ? new FileFailure('no-space') : error;
}
