// Attack class 26: whoever holds a recording changes, cuts, reorders or mixes it, or makes one up.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clone } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../protocol/bytes.ts';
import { RecordingChunkSchema, type RecordingChunk } from '../../protocol/messages/gen/recording_pb.js';
import type { RecordingPart } from '../../protocol/recording/recording-file.ts';
import { signChunk, signClosing, verifyClosing } from '../../protocol/signed/recording.ts';
import { newUid } from '../../protocol/uid.ts';
import { describeFault, judgeRecording } from '../../scripts/recordings/verdict.ts';
import { madeRecording, newGatewayKey, recordingFile, type MadeRecording } from '../fixtures/recording.ts';

const sessionUid = newUid();
const lines = ['$ rm -rf /srv\r\n', 'removed\r\n', '$ exit\r\n'];
let folder: string;
let honest: MadeRecording;
let elsewhere: MadeRecording;
let twin: MadeRecording;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-recording-'));
  honest = await madeRecording(lines, { sessionUid });
  const { gateway } = honest;
  elsewhere = await madeRecording(lines, { gateway });
  twin = await madeRecording(['$ ls\r\n', 'nothing\r\n', '$ exit\r\n'], { gateway, sessionUid });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function judge(parts: readonly RecordingPart[], cut = 0) {
  const file = recordingFile(parts);
  const path = join(folder, 'recording');
  writeFileSync(path, file.subarray(0, file.length - cut));
  const shown: string[] = [];
  const verdict = await judgeRecording({
    ...{ path, gatewayKey: honest.gateway.publicKey, recordingKey: honest.key },
    onEntry: ({ bytes }) => void shown.push(Buffer.from(bytes).toString()),
  });
  const faults = verdict.faults.map(({ fault, index }) => (index === null ? fault : `${fault} ${index}`));
  return { faults, shown, closed: verdict.closed, said: verdict.faults.map(describeFault) };
}

const part = (recording: MadeRecording, index: number) => recording.parts[index] ?? expect.unreachable();
function chunkOf(recording: MadeRecording, index: number): RecordingChunk {
  const found = part(recording, index + 1);
  return found.kind === 'chunk' ? clone(RecordingChunkSchema, found.chunk) : expect.unreachable();
}
const withChunk = (index: number, chunk: RecordingChunk) =>
  honest.parts.with(index + 1, { kind: 'chunk', chunk });
const without = (...indexes: readonly number[]) => honest.parts.filter((_, at) => !indexes.includes(at - 1));

test('as its gateway made it, it is whole and opens', async () => {
  expect(await judge(honest.parts)).toEqual({ faults: [], shown: lines, closed: 0, said: [] });
});

describe('each of these is found, and named', () => {
  test('one bit of a chunk changed', async () => {
    const chunk = chunkOf(honest, 1);
    chunk.sealed[60] = (chunk.sealed[60] ?? 0) ^ 1;
    const { faults, shown } = await judge(withChunk(1, chunk));
    expect(faults).toEqual(['changed-chunk 1']);
    expect(shown).toEqual([lines[0], lines[2]]);
  });

  test('one chunk taken out', async () => {
    expect((await judge(without(1))).said).toEqual(['chunk 1: missing']);
  });

  test('two chunks in another order', async () => {
    const [opening, one, two, ...rest] = honest.parts;
    if (!opening || !one || !two) return expect.unreachable();
    expect((await judge([opening, two, one, ...rest])).faults).toEqual(['reordered-chunk 0']);
  });

  test('the order changed, and the numbers with it', async () => {
    const [one, two] = [chunkOf(honest, 0), chunkOf(honest, 1)];
    [one.index, two.index] = [1, 0];
    const parts = [part(honest, 0), { kind: 'chunk', chunk: two }, { kind: 'chunk', chunk: one }] as const;
    const { faults, shown } = await judge([...parts, ...honest.parts.slice(3)]);
    expect(faults).toEqual(['changed-chunk 0', 'changed-chunk 1']);
    expect(shown).toEqual([lines[2]]);
  });

  test('the end cut off, with the closing, inside a part, and before the closing', async () => {
    expect((await judge(honest.parts.slice(0, 3))).faults).toEqual(['not-closed']);
    expect((await judge(honest.parts, 5)).faults).toEqual(['truncated', 'not-closed']);
    expect((await judge(without(2))).faults).toEqual(['truncated 2']);
  });

  test('a chunk of another session of the same gateway', async () => {
    const moved = chunkOf(elsewhere, 1);
    expect((await judge(withChunk(1, moved))).faults).toEqual(['foreign-session 1', 'missing-chunk 1']);
    moved.sessionUid = chunkOf(honest, 1).sessionUid;
    expect((await judge(withChunk(1, moved))).faults).toEqual(['changed-chunk 1']);
  });

  test('a closing that says less, by who has not the gateway’s key', async () => {
    const last = honest.parts.at(-1);
    if (last?.kind !== 'closing') return expect.unreachable();
    const closing = await verifyClosing(honest.gateway.publicKey, last.signed);
    const chain = chunkOf(honest, 2).previous;
    const short = { ...closing, chunkCount: 2, chain, reason: 'interrupted' };
    const signed = await signClosing(newGatewayKey(), short);
    expect((await judge([...without(2).slice(0, -1), { kind: 'closing', signed }])).faults).toEqual([
      'forged-closing',
    ]);
  });

  test('the closing of another session', async () => {
    const parts = [...honest.parts.slice(0, -1), part(elsewhere, 4)];
    expect((await judge(parts)).faults).toEqual(['foreign-session']);
  });

  test('the whole recording by a gateway of the attacker’s', async () => {
    const made = await madeRecording(lines);
    expect((await judge(made.parts)).faults).toEqual(['wrong-gateway']);
  });

  test('a chunk that a gateway signs which is not the session’s', async () => {
    const chunk = chunkOf(honest, 1);
    chunk.signature = await signChunk(newGatewayKey(), chunk);
    expect((await judge(withChunk(1, chunk))).faults).toEqual(['changed-chunk 1']);
  });

  test('two recordings of one session, spliced', async () => {
    const spliced = await judge(honest.parts.with(2, part(twin, 2)));
    expect(spliced.faults).toEqual(['spliced 1', 'spliced 2']);
    expect(spliced.shown).toEqual([lines[0]]);
    const whole = await judge([part(honest, 0), ...twin.parts.slice(1)]);
    expect(whole.faults).toContain('spliced 0');
  });

  test('a chunk twice, and chunks after the closing', async () => {
    const again = honest.parts.toSpliced(2, 0, part(honest, 1));
    expect((await judge(again)).faults).toEqual(['repeated-chunk 0']);
    expect((await judge([...honest.parts, part(honest, 1)])).faults).toEqual(['after-the-end']);
  });
});

test('no bit of the file may change unnoticed', async () => {
  const file = recordingFile(honest.parts);
  const path = join(folder, 'damaged');
  const question = { path, gatewayKey: honest.gateway.publicKey, recordingKey: null };
  for (let at = 0; at < file.length; at += 7) {
    writeFileSync(
      path,
      concat(file.subarray(0, at), Uint8Array.of((file[at] ?? 0) ^ 0x10), file.subarray(at + 1)),
    );
    const { faults, unreadable } = await judgeRecording(question);
    expect([at, faults.length > 0 || unreadable !== null]).toEqual([at, true]);
  }
});

test('neither server nor gateway key opens a chunk: only the recording key does', async () => {
  const path = join(folder, 'closed');
  writeFileSync(path, recordingFile(honest.parts));
  const recordingKey = twin.key;
  const verdict = await judgeRecording({ path, gatewayKey: null, recordingKey });
  expect(verdict).toMatchObject({ faults: [], closed: lines.length, entries: 0 });
  expect(recordingFile(honest.parts).toString()).not.toContain('removed');
});
