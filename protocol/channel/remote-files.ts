import type { MessageInitShape } from '@bufbuild/protobuf';
import { concat, copy, uint32, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import {
  RemoteFileAnswerSchema,
  type RemoteFileAnswer,
  type RemoteFileRequest,
} from '../messages/gen/remote-file_pb.js';
import { parseRemoteName, parseRemotePath, splitRemotePath } from './remote-path.ts';

/** With what a stream for a file is reset. protocol.md §27.5 */
export const remoteFileCodes = [
  'no-such-file',
  'permission-denied',
  'exists', // something has that name already
  'not-a-folder',
  'not-a-file', // a device, or a folder where a file was meant
  'folder-not-empty',
  'outside-root', // it, or a link on the way to it, leaves the folder that the record sets
  'root-missing', // the folder that the record sets is not there
  'not-allowed', // the record allows no uploads, or no downloads
  'file-changed', // shorter or longer than was said
  'no-space',
  'refused', // the machine does not do it, and gives no reason
  'sftp-missing', // the machine offers no SFTP
  'sftp-broken', // it broke off, or is none
  'sftp-silent',
  'limit-reached', // as many at once as a session may have
  'malformed',
  'unavailable', // the session is not open, or over
] as const;
export type RemoteFileCode = (typeof remoteFileCodes)[number];

/** How a page resets an upload that is to leave nothing. Any other end leaves what came, for an upload that goes on. */
export const withdrawnCode = 'withdrawn';

/** What a stream is for, with every path checked. */
export type RemoteFileAsk =
  /** null: where a login begins. */
  | { readonly kind: 'list'; readonly path: Bytes | null }
  | { readonly kind: 'read'; readonly path: Bytes; readonly offset: number }
  | {
      readonly kind: 'write';
      readonly path: Bytes;
      readonly size: number;
      readonly transfer: Bytes;
      readonly replace: boolean;
      readonly resume: boolean;
    }
  | { readonly kind: 'make'; readonly path: Bytes }
  | { readonly kind: 'rename'; readonly path: Bytes; readonly name: Bytes }
  | { readonly kind: 'remove'; readonly path: Bytes; readonly folder: boolean }
  | { readonly kind: 'drop'; readonly path: Bytes; readonly transfer: Bytes };

const transferLength = 16;

/** What a page asks for. Throws `malformed` for a path or number that nothing can be meant by. */
export function parseRemoteFileRequest({ ask }: RemoteFileRequest): RemoteFileAsk {
  switch (ask.case) {
    case 'list':
      return { kind: 'list', path: ask.value.path.length === 0 ? null : parseRemotePath(ask.value.path) };
    case 'read':
      return { kind: 'read', path: parseRemotePath(ask.value.path), offset: exact(ask.value.offset) };
    case 'write': {
      const { path, size, transfer, replace, resume } = ask.value;
      return {
        ...{ kind: 'write', path: named(path), size: exact(size), transfer: transferOf(transfer) },
        ...{ replace, resume },
      };
    }
    case 'make':
      return { kind: 'make', path: named(ask.value.path) };
    case 'rename': {
      const { path, name } = ask.value;
      return { kind: 'rename', path: below(path), name: parseRemoteName(name) };
    }
    case 'remove':
      return { kind: 'remove', path: below(ask.value.path), folder: ask.value.folder };
    case 'drop':
      return {
        ...{ kind: 'drop', path: named(ask.value.path), transfer: transferOf(ask.value.transfer) },
      };
    case undefined:
      throw malformed('nothing is asked for');
  }
}

/** One answer with its length before it. Throws `too-large`. */
export function encodeRemoteFileAnswer(answer: MessageInitShape<typeof RemoteFileAnswerSchema>): Bytes {
  const encoded = encodeMessage(RemoteFileAnswerSchema, answer);
  if (encoded.length > limits.remoteFiles.answer) throw new ProtocolError('too-large', 'a file answer');
  return concat(uint32(encoded.length), encoded);
}

/** Cuts a stream into answers, and gives what follows them as it is. */
export class RemoteFileAnswers {
  #held = new Uint8Array(0);

  /**
   * The next answer, when it is whole; null before. Throws `too-large` from the announced length on, and `malformed`.
   */
  next(bytes: Uint8Array): RemoteFileAnswer | null {
    if (bytes.length > 0) this.#held = concat(this.#held, bytes);
    if (this.#held.length < 4) return null;
    const length = new DataView(this.#held.buffer).getUint32(0);
    if (length > limits.remoteFiles.answer) throw new ProtocolError('too-large', 'a file answer');
    if (this.#held.length < 4 + length) return null;
    const answer = decodeRemoteFileAnswer(this.#held.subarray(4, 4 + length));
    this.#held = this.#held.slice(4 + length);
    return answer;
  }

  /** What came after the last answer; it is given once. */
  rest(): Bytes {
    const rest = this.#held;
    this.#held = new Uint8Array(0);
    return rest;
  }
}

/** One answer. Throws `malformed` for one that says nothing, or gives a name or number that nothing can have. */
export function decodeRemoteFileAnswer(bytes: Uint8Array): RemoteFileAnswer {
  const message = decodeMessage(RemoteFileAnswerSchema, bytes);
  const { answer } = message;
  if (answer.case === undefined) throw malformed('an answer says something');
  if (answer.case === 'opened') exact(answer.value.size);
  if (answer.case === 'ready') exact(answer.value.offset);
  if (answer.case !== 'page') return message;
  if (answer.value.path.length > 0) parseRemotePath(answer.value.path);
  for (const { name, size } of answer.value.entries) {
    if (name.length === 0 || name.length > limits.remoteFiles.listedName) throw malformed('no name');
    if (name.includes(0) || name.includes(0x2f)) throw malformed('no name');
    exact(size);
  }
  return message;
}

/** What is written or made needs a name that may be given. */
function named(path: Uint8Array): Bytes {
  const whole = below(path);
  parseRemoteName(splitRemotePath(whole)?.name ?? new Uint8Array(0));
  return whole;
}

/** Everything but `/` itself. */
function below(path: Uint8Array): Bytes {
  const whole = parseRemotePath(path);
  if (whole.length < 2) throw malformed('not the root itself');
  return whole;
}

function transferOf(bytes: Uint8Array): Bytes {
  if (bytes.length !== transferLength) throw malformed('a transfer has 16 bytes');
  return copy(bytes);
}

function exact(value: bigint): number {
  if (value > BigInt(limits.remoteFiles.size)) throw malformed('no size of a file');
  return Number(value);
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
