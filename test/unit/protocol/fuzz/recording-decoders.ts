import { create } from '@bufbuild/protobuf';
import { empty, parseHex, uint32, uint64, type Bytes } from '../../../../protocol/bytes.ts';
import { sealEnvelope } from '../../../../protocol/crypto/envelope.ts';
import { pad } from '../../../../protocol/crypto/padding.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../../protocol/crypto/ecdsa.ts';
import { SymmetricKey } from '../../../../protocol/crypto/symmetric-key.ts';
import { decodeCanonical, decodeMessage } from '../../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../../protocol/messages/encode.ts';
import * as recording from '../../../../protocol/messages/gen/recording_pb.js';
import { openChunk, openEntries } from '../../../../protocol/recording/chunk.ts';
import { decodeEntries, encodeEntries } from '../../../../protocol/recording/entries.ts';
import {
  decodeImageEntry,
  encodeImageEntry,
  openImageEntry,
} from '../../../../protocol/recording/image-entry.ts';
import { openMarker } from '../../../../protocol/recording/marker.ts';
import { RecordingFileReader } from '../../../../protocol/recording/recording-file.ts';
import { unwrapRecordingKey } from '../../../../protocol/recording/recording-key.ts';
import { RecordingVerifier } from '../../../../protocol/recording/verifier.ts';
import {
  encodeHeader,
  parseClosing,
  parseOpening,
  verifyChunk,
  verifyClosing,
  verifyOpening,
} from '../../../../protocol/signed/recording.ts';
import { signKeeping, verifyKeeping } from '../../../../protocol/signed/recording-keeping.ts';
import { parseMarker, verifyMarker } from '../../../../protocol/signed/recording-marker.ts';
import { newUid, uidBytes, uidOf } from '../../../../protocol/uid.ts';
import { unzstd } from '../../../../protocol/zstd/unzstd.ts';
import chunks from '../../../vectors/recording-chunks.json' with { type: 'json' };
import markers from '../../../vectors/recording-markers.json' with { type: 'json' };
import recordings from '../../../vectors/recordings.json' with { type: 'json' };
import type { Decoder } from './decoders.ts';
import { pictureFrames } from './zstd-frames.ts';

const key = await SymmetricKey.import(new Uint8Array(32).fill(1));
const uid = uidBytes(newUid());
const { file: firstFile = '', gatewayKey = '' } = recordings.cases[0] ?? {};
const pinned = parseHex(gatewayKey);
const whole = parseHex(firstFile);
const parts = new RecordingFileReader().read(whole);
const statements = parts.flatMap((part) => (part.kind === 'chunk' ? [] : [part.signed]));
const inner = statements.map(
  (signed) => decodeMessage(recording.SignedRecordingStatementSchema, signed).statement,
);
const header = {
  ...{ sessionUid: uid, index: 0, track: 2, startMs: 0, endMs: 9, keyFrame: false, final: false },
};
const entries = encodeEntries([
  { atMs: 1, kind: 'resize', bytes: uint32(1) },
  { atMs: 9, kind: 'output', bytes: empty },
]);
const people = encodeEntries([{ atMs: 1, kind: 'typist', bytes: uid }]);
const lines = encodeEntries([{ atMs: 1, kind: 'line', bytes: uid }]);
/** A stored block of DEFLATE around the entries. */
const stored = new Uint8Array([1, entries.length, 0, ~entries.length & 255, 255, ...entries]);

/** As somebody with the key could seal them. */
async function openSealed(deflated: Bytes) {
  const sealed = await sealEnvelope(key, 'recording-chunk', [encodeHeader(header)], pad(deflated));
  return await openChunk(key, create(recording.RecordingChunkSchema, { ...header, sealed }));
}

/** As somebody with the key could seal a picture. */
async function openSealedPicture(compressed: Bytes) {
  const picture = { ...header, track: 1 };
  const sealed = await sealEnvelope(key, 'recording-chunk', [encodeHeader(picture)], pad(compressed));
  return await openEntries(key, create(recording.RecordingChunkSchema, { ...picture, sealed }));
}

const file = parseHex('89504e470d0a1a0a0000000d49484452');
const images = [
  encodeImageEntry({ stream: 1, file }),
  encodeImageEntry({ stream: 1, png: { head: file, tail: uint32(7), rows: new Uint8Array(40) } }),
];
const pictures = encodeEntries(images.map((bytes, at) => ({ atMs: at, kind: 'image', bytes })));
/** Of literals, of sequences, of blocks as they are and of one byte again and again. */
const frames = [...pictureFrames.map(parseHex), frameOf(pictures)];

/** A frame of one block that is as it is. RFC 8878. */
function frameOf(bytes: Uint8Array): Uint8Array {
  const head = (bytes.length << 3) | 1;
  return Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, head & 255, head >> 8, 0, ...bytes);
}

const organisation = signerOf(generateEcdhKeyPair().privateKey);
const keeping = await signKeeping(organisation, {
  ...{ organisationUid: uidOf(uid), revision: 1, days: 90, mostBytes: 2 ** 40, removeOldest: true },
  decidedAt: 1,
});

const signedMarkers = markers.cases.map(({ signed }) => parseHex(signed));

/** As somebody with the key could seal it. */
async function openSealedMarker(content: Bytes) {
  const named = { sessionUid: uid, markerUid: uid, authorUid: uid, revision: 1 };
  const objects = [uidOf(uid), uidOf(uid), uidOf(uid), uint64(1n)];
  const sealed = await sealEnvelope(key, 'recording-marker', objects, pad(content));
  return await openMarker(key, create(recording.RecordingMarkerSchema, { ...named, version: 1, sealed }));
}

export const recordingDecoders: readonly Decoder<Uint8Array>[] = [
  ...Object.values(recording).flatMap((desc) =>
    typeof desc === 'object' && 'kind' in desc && desc.kind === 'message'
      ? [
          {
            name: `message ${desc.name}`,
            valid: [...inner, ...statements],
            decode: (bytes: Uint8Array) => decodeMessage(desc, bytes),
          },
          {
            name: `message ${desc.name}, its one encoding`,
            valid: [...inner, ...statements],
            decode: (bytes: Uint8Array) => decodeCanonical(desc, bytes),
          },
        ]
      : [],
  ),
  { name: 'opening of a recording', valid: inner, decode: parseOpening },
  { name: 'closing of a recording', valid: inner, decode: parseClosing },
  { name: 'signed opening of a recording', valid: statements, decode: verifyOpening, cost: 5 },
  {
    name: 'signed closing of a recording',
    valid: statements,
    decode: (bytes) => verifyClosing(pinned, bytes),
    cost: 5,
  },
  {
    name: 'signed chunk of a recording',
    valid: parts.flatMap((part) => (part.kind === 'chunk' ? [part.chunk.sealed] : [])),
    decode: (sealed) => verifyChunk(pinned, create(recording.RecordingChunkSchema, { ...header, sealed })),
    cost: 5,
  },
  { name: 'entries of a recording', valid: [entries], decode: (bytes) => decodeEntries(2, bytes) },
  { name: 'people of a recording', valid: [people], decode: (bytes) => decodeEntries(5, bytes) },
  { name: 'index of a recording', valid: [lines], decode: (bytes) => decodeEntries(4, bytes) },
  {
    name: 'deflated entries of a recording',
    valid: [stored],
    decode: (bytes) => openSealed(new Uint8Array(bytes)),
    cost: 2,
  },
  { name: 'image of a recording', valid: images, decode: decodeImageEntry },
  { name: 'instructions of an image of a recording', valid: images, decode: openImageEntry, cost: 2 },
  { name: 'Zstandard', valid: frames, decode: (bytes) => unzstd(bytes, 1 << 20) },
  {
    name: 'compressed entries of a picture of a recording',
    valid: frames,
    decode: (bytes) => openSealedPicture(new Uint8Array(bytes)),
    cost: 2,
  },
  {
    name: 'chunk of a recording',
    valid: chunks.cases.map(({ sealed }) => parseHex(sealed)),
    decode: (sealed) => openChunk(key, create(recording.RecordingChunkSchema, { ...header, sealed })),
  },
  { name: 'marker of a recording', valid: signedMarkers, decode: parseMarker },
  {
    name: 'signed marker of a recording',
    valid: signedMarkers,
    decode: (bytes) => verifyMarker(pinned, bytes),
    cost: 5,
  },
  {
    name: 'how recordings are kept, signed',
    valid: [keeping],
    decode: (bytes) => verifyKeeping({ uid: uidOf(uid), publicKey: organisation.publicKey }, bytes),
    cost: 5,
  },
  {
    name: 'note in a marker of a recording',
    valid: [encodeMessage(recording.RecordingMarkerContentSchema, { atMs: 7, text: 'here' })],
    decode: (bytes) => openSealedMarker(new Uint8Array(bytes)),
    cost: 2,
  },
  {
    name: 'wrapped key of a recording',
    valid: [await sealEnvelope(key, 'recording-key', [], new Uint8Array(32))],
    decode: (wrappedKey) => {
      const scope = { sessionUid: uid, recordUid: uid, gatewayUid: uid };
      return unwrapRecordingKey(key, create(recording.RecordingOpeningSchema, { ...scope, wrappedKey }));
    },
  },
  {
    name: 'file of a recording',
    valid: recordings.cases.map((vector) => parseHex(vector.file)),
    decode: async (bytes) => {
      const reader = new RecordingFileReader();
      const verifier = new RecordingVerifier(pinned);
      for (const part of reader.read(bytes)) await verifier.take(part);
      verifier.end(reader.whole);
    },
    cost: 5,
  },
];
