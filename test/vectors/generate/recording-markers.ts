import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  RecordingMarkerContentSchema,
  RecordingMarkerSchema,
  SignedRecordingStatementSchema,
} from '../../../protocol/messages/gen/recording_pb.js';
import { damage } from './mutations.ts';
import { concat, context, envelope, hex, hkdf, keyPair, pad, seed, sign, uid, utf8 } from './independent.ts';

const none = new Uint8Array(0);
const [author, other] = [keyPair('marker author'), keyPair('other author')];
const [session, marker, account] = [uid('session'), uid('marker'), uid('author')];
const recordingKey = seed('recording key');
const markerKey = hkdf(recordingKey, none, context('sallyport/v1/recording-marker-key', session.text));
const elsewhere = uid('elsewhere');
const note = { atMs: 61_000, text: 'here the file is deleted' };
const scope = { sessionUid: session.text, markerUid: marker.text, authorUid: account.text, revision: 2 };
const revisionBytes = (revision: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, revision);

interface Sealing {
  readonly key?: Uint8Array;
  readonly purpose?: string;
  readonly objects?: readonly (string | Uint8Array)[];
  readonly content?: Uint8Array;
}

const objects = [session.text, marker.text, account.text, revisionBytes(2)];
const contentOf = (atMs: number, text: string) =>
  pad(encodeMessage(RecordingMarkerContentSchema, { atMs, text }));

function sealed(change: Sealing = {}): Uint8Array {
  const { key = markerKey, purpose = 'recording-marker', content = contentOf(note.atMs, note.text) } = change;
  return envelope('recording marker', key, purpose, change.objects ?? objects, content);
}

function statementOf(change: object = {}): Uint8Array {
  return encodeMessage(RecordingMarkerSchema, {
    ...{ version: 1, sessionUid: session.bytes, markerUid: marker.bytes, authorUid: account.bytes },
    ...{ revision: 2, writtenAtMs: 1_800_000_000_000n, sealed: sealed() },
    ...change,
  });
}

function signed(statement: Uint8Array, signer = author, what = 'recording-marker'): Uint8Array {
  const signature = sign(signer.privateKey, `sallyport/v1/signature/${what}`, statement);
  return encodeMessage(SignedRecordingStatementSchema, { statement, signature });
}

/** §25.12 */
export function recordingMarkers(): object[] {
  const base = {
    ...{ recordingKey: hex(recordingKey), sessionUid: session.text, authorKey: hex(author.publicKey) },
    ...{ signed: hex(signed(statementOf())), scope, note },
  };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  const saying = (name: string, change: object, fails: string) =>
    bad(name, { signed: hex(signed(statementOf(change))) }, fails);
  const holding = (name: string, change: Sealing, fails = 'open-failed') =>
    saying(name, { sealed: sealed(change) }, fails);
  return [
    { ...base, name: 'a marker' },
    {
      ...{ ...base, name: 'a moment alone', note: { atMs: 0, text: '' } },
      signed: hex(signed(statementOf({ sealed: sealed({ content: contentOf(0, '') }) }))),
    },
    bad('by another account', { signed: hex(signed(statementOf(), other)) }, 'bad-signature'),
    bad(
      'signed as the opening of a recording',
      { signed: hex(signed(statementOf(), author, 'recording-opening')) },
      'bad-signature',
    ),
    saying('moved to another recording', { sessionUid: elsewhere.bytes }, 'open-failed'),
    saying('of another name', { markerUid: elsewhere.bytes }, 'open-failed'),
    saying('of another author', { authorUid: elsewhere.bytes }, 'open-failed'),
    saying('of another revision', { revision: 3 }, 'open-failed'),
    saying('of no revision', { revision: 0 }, 'malformed'),
    saying('written before 1970', { writtenAtMs: -1n }, 'malformed'),
    saying('of another version', { version: 2 }, 'unsupported-version'),
    saying('of a session that is none', { sessionUid: session.bytes.subarray(1) }, 'malformed'),
    holding('under the key of the recording', { key: recordingKey }),
    holding('sealed as a chunk', { purpose: 'recording-chunk' }),
    holding('without padding', { content: encodeMessage(RecordingMarkerContentSchema, note) }, 'malformed'),
    holding(
      'with more than it may say',
      { content: pad(concat(encodeMessage(RecordingMarkerContentSchema, note), utf8('z\u0001x'))) },
      'malformed',
    ),
    holding('with a text that is too long', { content: contentOf(0, 'x'.repeat(4001)) }, 'too-large'),
    bad('a signature that is cut', { signed: base.signed.slice(0, -2) }, 'malformed'),
    bad('too long for a marker', { signed: base.signed + '00'.repeat(4608) }, 'too-large'),
    ...damage(sealed(), { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map(
      ({ name, bytes }) => saying(name, { sealed: bytes }, 'open-failed'),
    ),
  ];
}
