import { expect } from 'vitest';
import { create } from '@bufbuild/protobuf';
import { decodeBase64, empty, encodeHex, parseHex, parseUtf8, type Bytes } from '../../protocol/bytes.ts';
import {
  RecordingChunkSchema,
  RecordingOpeningSchema,
  RecordingTrack,
} from '../../protocol/messages/gen/recording_pb.js';
import { openMarker } from '../../protocol/recording/marker.ts';
import { openChunk } from '../../protocol/recording/chunk.ts';
import { takeApart } from '../../protocol/recording/taken-png.ts';
import { inflate } from '../../protocol/recording/inflate.ts';
import { RecordingFileReader } from '../../protocol/recording/recording-file.ts';
import {
  importRecordingKeys,
  resourceKeyOf,
  unwrapRecordingKey,
} from '../../protocol/recording/recording-key.ts';
import { RecordingVerifier } from '../../protocol/recording/verifier.ts';
import { verifyKeeping } from '../../protocol/signed/recording-keeping.ts';
import { scopeOf, verifyMarker } from '../../protocol/signed/recording-marker.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { runVectors } from './cases.ts';
import chunks from './recording-chunks.json' with { type: 'json' };
import keys from './recording-keys.json' with { type: 'json' };
import keepings from './recording-keepings.json' with { type: 'json' };
import pictures from './recording-pictures.json' with { type: 'json' };
import markers from './recording-markers.json' with { type: 'json' };
import recordings from './recordings.json' with { type: 'json' };

interface Key {
  readonly copyKey: string;
  readonly applicationUid: Uid;
  readonly recordUid: Uid;
  readonly sessionUid: Uid;
  readonly gatewayUid: Uid;
  readonly wrapped: string;
  readonly key: string;
}

runVectors<Key>('key of a recording', keys, async ({ copyKey, applicationUid, recordUid, ...vector }) => {
  const resourceKey = await resourceKeyOf(parseHex(copyKey), applicationUid, recordUid);
  const opening = create(RecordingOpeningSchema, {
    sessionUid: uidBytes(vector.sessionUid),
    recordUid: uidBytes(recordUid),
    gatewayUid: uidBytes(vector.gatewayUid),
    wrappedKey: parseHex(vector.wrapped),
  });
  expect(encodeHex(await unwrapRecordingKey(resourceKey, opening))).toBe(vector.key);
});

interface Chunk {
  readonly key: string;
  readonly sessionUid: Uid;
  readonly index: number;
  readonly track: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly keyFrame: boolean;
  readonly final: boolean;
  readonly sealed: string;
  readonly entries: readonly object[];
}

runVectors<Chunk>('chunk of a recording', chunks, async ({ key, sessionUid, sealed, entries, ...header }) => {
  const chunk = create(RecordingChunkSchema, {
    ...{ sessionUid: uidBytes(sessionUid), sealed: parseHex(sealed) },
    index: header.index,
    track: header.track,
    startMs: header.startMs,
    endMs: header.endMs,
    keyFrame: header.keyFrame,
    final: header.final,
  });
  const { content, index } = await importRecordingKeys(parseHex(key), sessionUid);
  const opened = await openChunk(chunk.track === RecordingTrack.INDEX ? index : content, chunk);
  expect(opened.map((entry) => ({ ...entry, bytes: encodeHex(entry.bytes) }))).toEqual(entries);
});

interface RecordedPicture {
  readonly key: string;
  readonly sessionUid: Uid;
  readonly track: number;
  readonly sealed: string;
  /** Of the image in it, which is brought by entries of that kind. */
  readonly file: string;
  readonly stream: number;
  readonly kind: string;
}

/** The file that an instruction of 4.blob,1.7,<length>.<base64>; brings. */
function fileIn(blob: Uint8Array, stream: number): Bytes {
  const text = parseUtf8(blob);
  const content = text.slice(text.lastIndexOf('.') + 1, -1);
  expect(text).toBe(`4.blob,1.${stream},${content.length}.${content};`);
  return decodeBase64(content);
}

runVectors<RecordedPicture>('picture of a recording', pictures, async (vector) => {
  const header = { index: 0, track: vector.track, startMs: 0, endMs: 1000 };
  const ids = { sessionUid: uidBytes(vector.sessionUid), sealed: parseHex(vector.sealed) };
  const chunk = create(RecordingChunkSchema, { ...header, ...ids });
  const { content } = await importRecordingKeys(parseHex(vector.key), vector.sessionUid);
  const [begun, image, ended] = await openChunk(content, chunk);
  expect([begun?.kind, image?.kind, ended?.kind]).toEqual(new Array(3).fill(vector.kind));
  const found = takeApart(fileIn(image?.bytes ?? empty, vector.stream));
  const wanted = takeApart(parseHex(vector.file));
  expect(found).toMatchObject({ head: wanted?.head, tail: wanted?.tail, rowsLength: wanted?.rowsLength });
  const rows = (png: typeof found) => inflate((png?.zlib ?? empty).slice(2, -4), 1000);
  expect(await rows(found)).toEqual(await rows(wanted));
});

interface Recording {
  readonly gatewayKey: string;
  readonly file: string;
  readonly faults: readonly string[];
}

runVectors<Recording>('recording', recordings, async ({ gatewayKey, file, faults }) => {
  const bytes = parseHex(file);
  for (const step of [bytes.length || 1, 7]) {
    const reader = new RecordingFileReader();
    const verifier = new RecordingVerifier(parseHex(gatewayKey));
    for (let at = 0; at < bytes.length; at += step)
      for (const part of reader.read(bytes.subarray(at, at + step))) await verifier.take(part);
    const found = verifier.end(reader.whole);
    expect(found.map(({ fault, index }) => (index === null ? fault : `${fault} ${index}`))).toEqual(faults);
  }
});

interface Marker {
  readonly recordingKey: string;
  readonly sessionUid: Uid;
  readonly authorKey: string;
  readonly signed: string;
  readonly scope: object;
  readonly note: object;
}

runVectors<Marker>('marker of a recording', markers, async (vector) => {
  const keys = await importRecordingKeys(parseHex(vector.recordingKey), vector.sessionUid);
  const marker = await verifyMarker(parseHex(vector.authorKey), parseHex(vector.signed));
  expect(await openMarker(keys.markers, marker)).toEqual(vector.note);
  expect(scopeOf(marker)).toEqual(vector.scope);
});

interface Keeping {
  readonly organisationUid: Uid;
  readonly organisationKey: string;
  readonly signed: string;
  readonly revision: number;
  readonly days: number;
  readonly mostBytes: number;
  readonly removeOldest: boolean;
  readonly decidedAt: number;
}

runVectors<Keeping>('how recordings are kept', keepings, async ({ organisationKey, signed, ...vector }) => {
  const organisation = { uid: vector.organisationUid, publicKey: parseHex(organisationKey) };
  const { organisationUid, revision, days, mostBytes, removeOldest, decidedAt } = vector;
  const expected = { organisationUid, revision, days, mostBytes, removeOldest, decidedAt };
  expect(verifyKeeping(organisation, parseHex(signed))).toEqual(expected);
});
