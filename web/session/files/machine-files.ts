import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  RemoteKind,
  type RemoteEntry,
  type RemoteFileAnswer,
  type RemoteFileRequestSchema,
} from '../../../protocol/messages/gen/remote-file_pb.js';
import { MachineFileFailure } from './file-failures.ts';
import { RequestStream } from './request-stream.ts';

type Ask = NonNullable<MessageInitShape<typeof RemoteFileRequestSchema>['ask']>;
type Said = Exclude<RemoteFileAnswer['answer'], { readonly case: undefined }>;
type Values = { [One in Said as One['case']]: One['value'] };

export interface MachineFile {
  /** As the machine has it. */
  readonly name: Bytes;
  readonly kind: 'file' | 'folder' | 'other';
  readonly link: boolean;
  readonly size: number;
  /** Milliseconds since 1970; null: unknown. */
  readonly modifiedAt: number | null;
  readonly mode: number;
}

export interface MachineFolder {
  readonly path: Bytes;
  readonly files: readonly MachineFile[];
  /** There are more than are given. */
  readonly truncated: boolean;
}

export interface DownloadOrder {
  readonly path: Bytes;
  readonly offset: number;
  /** The file as it is now. A throw ends the download. */
  readonly opened: (file: { readonly size: number; readonly modified: number }) => void;
  readonly take: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly signal: AbortSignal;
}

export interface UploadOrder {
  readonly path: Bytes;
  /** 16 random bytes, kept for going on. */
  readonly transfer: Bytes;
  readonly source: Blob;
  readonly replace: boolean;
  readonly resume: boolean;
  readonly progress: (done: number) => void;
  readonly signal: AbortSignal;
}

/** Read of a file at a time. */
const readLength = 512 * 1024;

/**
 * The files of a session's machine (protocol.md §27). Every call throws a {@link MachineFileFailure}; a signal that is
 * aborted makes it `cancelled`.
 */
export class MachineFiles {
  readonly #open: (ask: Ask) => Stream;

  /** `open`: a stream on the session's peer connection. Throws a `ProtocolError` when there is none. */
  constructor(open: (ask: Ask) => Stream) {
    this.#open = open;
  }

  /** `path` null: where a login begins. */
  async list(path: Bytes | null, signal: AbortSignal): Promise<MachineFolder> {
    const ask: Ask = { case: 'list', value: path === null ? {} : { path } };
    return await this.#request(ask, signal, async (stream) => {
      const files: MachineFile[] = [];
      let [folder, truncated]: [Bytes | null, boolean] = [null, false];
      for (let given = await stream.answer(); given !== null; given = await stream.answer()) {
        const page = valueOf(given, 'page');
        folder ??= new Uint8Array(page.path);
        files.push(...page.entries.map(fileOf));
        truncated ||= page.truncated;
        if (files.length > limits.remoteFiles.entries) throw new MachineFileFailure('sftp-broken');
      }
      if (folder === null || folder.length === 0) throw new MachineFileFailure('sftp-broken');
      return { path: folder, files, truncated };
    });
  }

  async download({ path, offset, opened, take, signal }: DownloadOrder): Promise<void> {
    const ask: Ask = { case: 'read', value: { path, offset: BigInt(offset) } };
    await this.#request(ask, signal, async (stream) => {
      const file = valueOf(await stream.answer(), 'opened');
      const size = Number(file.size);
      opened({ size, modified: Number(file.modified) });
      let at = offset;
      for await (const bytes of stream.bytes()) {
        at += bytes.length;
        if (at > size) throw new MachineFileFailure('file-changed'); // more than was said would fill any disk
        await take(bytes);
      }
      if (at !== size) throw new MachineFileFailure('file-changed');
    });
  }

  async upload({ path, transfer, source, replace, resume, progress, signal }: UploadOrder): Promise<void> {
    const ask: Ask = { case: 'write', value: { path, transfer, size: BigInt(source.size), replace, resume } };
    await this.#request(ask, signal, async (stream) => {
      const from = Number(valueOf(await stream.answer(), 'ready').offset);
      progress(from);
      for (let at = from; at < source.size;) {
        const part = await readPart(source, at);
        await stream.write(part);
        at += part.length;
        progress(at);
      }
      stream.end();
      valueOf(await stream.answer(), 'done');
    });
  }

  async makeFolder(path: Bytes, signal: AbortSignal): Promise<void> {
    await this.#change({ case: 'make', value: { path } }, signal);
  }

  /** Within its folder. */
  async rename(path: Bytes, name: Bytes, signal: AbortSignal): Promise<void> {
    await this.#change({ case: 'rename', value: { path, name } }, signal);
  }

  /** `folder`: an empty one. */
  async remove(path: Bytes, folder: boolean, signal: AbortSignal): Promise<void> {
    await this.#change({ case: 'remove', value: { path, folder } }, signal);
  }

  /** What an upload that broke off left there goes. */
  async dropUpload(path: Bytes, transfer: Bytes, signal: AbortSignal): Promise<void> {
    await this.#change({ case: 'drop', value: { path, transfer } }, signal);
  }

  async #change(ask: Ask, signal: AbortSignal): Promise<void> {
    await this.#request(ask, signal, async (stream) => valueOf(await stream.answer(), 'done'));
  }

  async #request<T>(ask: Ask, signal: AbortSignal, run: (stream: RequestStream) => Promise<T>): Promise<T> {
    const stream = new RequestStream(this.#begin(ask), signal);
    try {
      return await run(stream);
    } catch (error) {
      // What the gateway says and nobody can mean.
      throw error instanceof ProtocolError ? new MachineFileFailure('sftp-broken') : error;
    } finally {
      stream.close();
    }
  }

  #begin(ask: Ask): Stream {
    try {
      return this.#open(ask);
    } catch (error) {
      const busy = error instanceof ProtocolError && error.code === 'limit-reached';
      throw new MachineFileFailure(busy ? 'limit-reached' : 'unavailable');
    }
  }
}

function valueOf<Case extends Said['case']>(given: RemoteFileAnswer | null, wanted: Case): Values[Case] {
  const answer = given?.answer;
  if (answer === undefined || !isOf(answer, wanted)) throw new MachineFileFailure('sftp-broken');
  return answer.value;
}

function isOf<Case extends Said['case']>(
  answer: RemoteFileAnswer['answer'],
  wanted: Case,
): answer is Said & { readonly case: Case; readonly value: Values[Case] } {
  return answer.case === wanted;
}

function fileOf({ name, kind, link, size, modified, mode }: RemoteEntry): MachineFile {
  const kinds = { [RemoteKind.FILE]: 'file', [RemoteKind.FOLDER]: 'folder' } as const;
  return {
    ...{ name: new Uint8Array(name), link, size: Number(size), mode },
    kind: kind === RemoteKind.FILE || kind === RemoteKind.FOLDER ? kinds[kind] : 'other',
    modifiedAt: modified === 0n ? null : Number(modified) * 1000,
  };
}

async function readPart(source: Blob, at: number): Promise<Uint8Array<ArrayBuffer>> {
  // Browsers refuse a file that changed on the disk.
  const part = await source
    .slice(at, at + readLength)
    .arrayBuffer()
    .catch(() => null);
  if (part === null || part.byteLength === 0) throw new MachineFileFailure('unreadable');
  return new Uint8Array(part);
}
