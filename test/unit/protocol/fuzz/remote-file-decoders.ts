import { parseRemoteName, parseRemotePath } from '../../../../protocol/channel/remote-path.ts';
import {
  decodeRemoteFileAnswer,
  encodeRemoteFileAnswer,
  parseRemoteFileRequest,
  RemoteFileAnswers,
} from '../../../../protocol/channel/remote-files.ts';
import { utf8 } from '../../../../protocol/bytes.ts';
import { decodeMessage } from '../../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../../protocol/messages/encode.ts';
import * as remoteFile from '../../../../protocol/messages/gen/remote-file_pb.js';
import type { Decoder } from './decoders.ts';

const path = utf8('/home/somebody/file');
const entry = { name: utf8('file'), kind: remoteFile.RemoteKind.FILE, size: 7n, modified: 9n, mode: 0o644 };
const asks = [
  { case: 'list', value: { path } },
  { case: 'read', value: { path, offset: 5n } },
  { case: 'write', value: { path, size: 7n, transfer: new Uint8Array(16), replace: true } },
  { case: 'make', value: { path } },
  { case: 'rename', value: { path, name: utf8('other') } },
  { case: 'remove', value: { path, folder: true } },
  { case: 'drop', value: { path, transfer: new Uint8Array(16) } },
] as const;
const requests = asks.map((ask) => encodeMessage(remoteFile.RemoteFileRequestSchema, { ask }));
const page = { case: 'page' as const, value: { path, entries: [entry, entry] } };
const answers = [
  page,
  { case: 'opened', value: { size: 7n, modified: 9n } },
  { case: 'ready', value: { offset: 5n } },
  { case: 'done', value: {} },
] as const;
const framed = answers.map((answer) => encodeRemoteFileAnswer({ answer }));

export const remoteFileDecoders: readonly Decoder<Uint8Array>[] = [
  ...Object.values(remoteFile).flatMap((desc) =>
    typeof desc === 'object' && 'kind' in desc && desc.kind === 'message'
      ? [
          {
            name: `message ${desc.name}`,
            valid: requests,
            decode: (bytes: Uint8Array) => decodeMessage(desc, bytes),
          },
        ]
      : [],
  ),
  { name: 'path of a machine', valid: [path, utf8('/')], decode: parseRemotePath },
  { name: 'name on a machine', valid: [utf8('file')], decode: parseRemoteName },
  {
    name: 'request for a machine’s file',
    valid: requests,
    decode: (bytes) => parseRemoteFileRequest(decodeMessage(remoteFile.RemoteFileRequestSchema, bytes)),
  },
  {
    name: 'answer about a machine’s file',
    valid: framed.map((bytes) => bytes.subarray(4)),
    decode: decodeRemoteFileAnswer,
  },
  {
    name: 'answers about machine’s files',
    valid: framed,
    decode: (bytes) => new RemoteFileAnswers().next(bytes),
  },
];
