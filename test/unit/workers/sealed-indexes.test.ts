import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  GetRecordingResponseSchema,
  RecordingTrack,
  type GetRecordingRequest,
} from '../../../protocol/messages/gen/recording_pb.js';
import { newUid, uidOf } from '../../../protocol/uid.ts';
import type { VaultSession } from '../../../workers/engine/connection/vault-session.ts';
import { SealedIndexes } from '../../../workers/engine/recordings/sealed-indexes.ts';

/** A server of recordings with these closings, and a clock that a test turns. */
function serverOf(closing: (sessionUid: string) => Uint8Array) {
  const asked: { readonly uid: string; readonly track: RecordingTrack }[] = [];
  const session = {
    call: async (_: unknown, { sessionUid, track }: GetRecordingRequest) => {
      asked.push({ uid: uidOf(sessionUid), track });
      const recording = { sessionUid, closing: closing(uidOf(sessionUid)), chunkCount: 5 };
      return create(GetRecordingResponseSchema, { recording });
    },
  } as unknown as VaultSession;
  let now = 1_000_000;
  const clock = { now: () => now, schedule: () => () => undefined };
  const indexes = new SealedIndexes({ session, clock, signal: new AbortController().signal });
  return { asked, indexes, pass: (ms: number) => void (now += ms) };
}

test('an index is fetched once in ten minutes, without the headers of other tracks', async () => {
  const { asked, indexes, pass } = serverOf(() => Uint8Array.of(1));
  const uid = newUid();
  const first = await indexes.get(uid);
  pass(9 * 60_000);
  expect(await indexes.get(uid)).toBe(first);
  expect(asked).toEqual([{ uid, track: RecordingTrack.INDEX }]);
  pass(2 * 60_000);
  await indexes.get(uid);
  expect(asked).toHaveLength(2);
  indexes.clear();
  await indexes.get(uid);
  expect(asked).toHaveLength(3);
});

test('that of a recording that goes on is fetched each time', async () => {
  const { asked, indexes } = serverOf(() => new Uint8Array(0));
  const uid = newUid();
  await indexes.get(uid);
  await indexes.get(uid);
  expect(asked).toHaveLength(2);
});

test('of more than 64 MiB the oldest go', async () => {
  const { asked, indexes } = serverOf(() => Uint8Array.of(1));
  const uids = Array.from({ length: 64 * 256 + 10 }, () => newUid()); // 4 KiB each, at least
  for (const uid of uids) await indexes.get(uid);
  indexes.trim();
  const before = asked.length;
  await indexes.get(uids.at(-1) ?? newUid());
  expect(asked).toHaveLength(before);
  await indexes.get(uids[0] ?? newUid());
  expect(asked).toHaveLength(before + 1);
});
