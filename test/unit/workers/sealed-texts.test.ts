import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  GetRecordingResponseSchema,
  RecordingTrack,
  type GetRecordingRequest,
} from '../../../protocol/messages/gen/recording_pb.js';
import { newUid, uidOf } from '../../../protocol/uid.ts';
import type { VaultSession } from '../../../workers/engine/connection/vault-session.ts';
import { SealedTexts } from '../../../workers/engine/recordings/sealed-texts.ts';

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
  const texts = new SealedTexts({ session, clock, signal: new AbortController().signal });
  return { asked, texts, pass: (ms: number) => void (now += ms) };
}

test('a text is fetched once in ten minutes, without the headers of other tracks', async () => {
  const { asked, texts, pass } = serverOf(() => Uint8Array.of(1));
  const uid = newUid();
  const first = await texts.get(uid, RecordingTrack.TEXT);
  pass(9 * 60_000);
  expect(await texts.get(uid, RecordingTrack.TEXT)).toBe(first);
  expect(asked).toEqual([{ uid, track: RecordingTrack.TEXT }]);
  pass(2 * 60_000);
  await texts.get(uid, RecordingTrack.TEXT);
  expect(asked).toHaveLength(2);
  texts.clear();
  await texts.get(uid, RecordingTrack.TEXT);
  expect(asked).toHaveLength(3);
});

test('that of a recording that goes on is fetched each time', async () => {
  const { asked, texts } = serverOf(() => new Uint8Array(0));
  const uid = newUid();
  await texts.get(uid, RecordingTrack.TEXT);
  await texts.get(uid, RecordingTrack.TEXT);
  expect(asked).toHaveLength(2);
});

test('of more than 64 MiB the oldest go', async () => {
  const { asked, texts } = serverOf(() => Uint8Array.of(1));
  const uids = Array.from({ length: 64 * 256 + 10 }, () => newUid()); // 4 KiB each, at least
  for (const uid of uids) await texts.get(uid, RecordingTrack.TEXT);
  texts.trim();
  const before = asked.length;
  await texts.get(uids.at(-1) ?? newUid(), RecordingTrack.TEXT);
  expect(asked).toHaveLength(before);
  await texts.get(uids[0] ?? newUid(), RecordingTrack.TEXT);
  expect(asked).toHaveLength(before + 1);
});
