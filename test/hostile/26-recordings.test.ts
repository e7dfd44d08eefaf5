// Attack class 26: whoever holds a recording changes, cuts, reorders or mixes it, or makes one up.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clone } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat, copy, uint32, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { signatureContexts, type SignatureContext } from '../../protocol/crypto/labels.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  RecordingChunkSchema,
  RecordingTrack,
  SignedRecordingStatementSchema,
  type RecordingChunk,
} from '../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../protocol/recording/chunk.ts';
import { describeFault } from '../../protocol/recording/fault-words.ts';
import { RecordingFileReader, type RecordingPart } from '../../protocol/recording/recording-file.ts';
import { signChunk, signClosing, verifyClosing, verifyOpening } from '../../protocol/signed/recording.ts';
import { newUid } from '../../protocol/uid.ts';
import { judgeRecording } from '../../scripts/recordings/verdict.ts';
import { ChunkJudge } from '../../workers/engine/recordings/chunk-judge.ts';
import { codeOf } from '../fixtures/outcome.ts';
import {
  madeIndex,
  madeRecording,
  newGatewayKey,
  recordingFile,
  type MadeRecording,
} from '../fixtures/recording.ts';

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

describe('there is one file of a recording', () => {
  /** Field 15, which no message of a recording has: [0], or 3 KiB of it. */
  const more = (bytes: Uint8Array, length = 1) =>
    concat(bytes, Uint8Array.of(0x7a, ...(length < 128 ? [length] : [0x80, 0x18])), new Uint8Array(length));
  const end = () => {
    const last = honest.parts.at(-1);
    return last?.kind === 'closing' ? last.signed : expect.unreachable();
  };

  test.each([1, 3072])(
    '%s bytes that mean nothing, in the envelope of an opening or closing',
    async (size) => {
      const [opening, ...rest] = honest.parts;
      if (opening?.kind !== 'opening') return expect.unreachable();
      const padded = { kind: 'opening', signed: more(opening.signed, size) } as const;
      expect((await judge([padded, ...rest])).faults).toContain('forged-opening');
      const closing = { kind: 'closing', signed: more(end(), size) } as const;
      expect((await judge([...honest.parts.slice(0, -1), closing])).faults).toEqual(['forged-closing']);
    },
  );

  test('and in what its own gateway signed', async () => {
    const [opening] = honest.parts;
    if (opening?.kind !== 'opening') return expect.unreachable();
    const sign = async (signed: Uint8Array, context: SignatureContext) => {
      const statement = more(decodeMessage(SignedRecordingStatementSchema, signed).statement);
      const signature = await honest.gateway.sign(context, statement);
      return encodeMessage(SignedRecordingStatementSchema, { statement, signature });
    };
    const verdicts = [
      verifyOpening(await sign(opening.signed, signatureContexts.recordingOpening)),
      verifyClosing(honest.gateway.publicKey, await sign(end(), signatureContexts.recordingClosing)),
    ];
    expect(await Promise.all(verdicts.map(codeOf))).toEqual(['malformed', 'malformed']);
  });

  test('in a chunk, also by another order, and by a member that says nothing', () => {
    const bytes = encodeMessage(RecordingChunkSchema, chunkOf(honest, 0));
    const name = bytes.subarray(0, 18); // the session's
    const others = [more(bytes), concat(bytes.subarray(18), name), concat(bytes, Uint8Array.of(0x38, 0))];
    for (const other of others) {
      expect(decodeMessage(RecordingChunkSchema, other).signature).toEqual(chunkOf(honest, 0).signature);
      const part = concat(Uint8Array.of(2), uint32(other.length), other);
      expect(() => new RecordingFileReader().read(concat(recordingFile([]), part))).toThrow(
        'not the one encoding',
      );
    }
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

test('no key but its own opens a chunk: not its gateway’s, not what the server has of it, not another recording’s', async () => {
  const path = join(folder, 'closed');
  const { privateKey } = generateEcdhKeyPair();
  const made = await madeRecording(lines, { gateway: signerOf(privateKey) });
  writeFileSync(path, recordingFile(made.parts));
  const opened = async (recordingKey: Bytes) => {
    const { faults, entries, closed } = await judgeRecording({ path, gatewayKey: null, recordingKey });
    expect(faults).toEqual([]);
    return [entries, closed];
  };
  const [first = expect.unreachable()] = made.chunks;
  const ofServer = [...windowsOf(made.opening), ...windowsOf(first.previous), ...windowsOf(first.signature)];
  for (const key of ofServer)
    expect(await codeOf(openChunk(await SymmetricKey.import(key), first))).toBe('open-failed');
  for (const key of [privateKey, twin.key]) expect(await opened(key)).toEqual([0, lines.length]);
  expect(await opened(made.key)).toEqual([lines.length, 0]);
});

describe('the index for searching', () => {
  const lines = ['rm -rf /srv', 'removed'];
  const indexed = (more: Parameters<typeof madeIndex>[1] = {}) => madeIndex(lines, more);
  const opens = async ({ recording, keys, chunk }: Awaited<ReturnType<typeof indexed>>, of = chunk) => {
    const faults = await new ChunkJudge(recording.opening, recording.chain).judge(0, of);
    return faults ?? (await openChunk(keys.index, of)).map(({ bytes }) => Buffer.from(bytes).toString());
  };

  test('opens under its own key alone, which opens nothing else', async () => {
    const made = await indexed();
    expect(await opens(made)).toEqual(lines);
    expect(await codeOf(openChunk(made.keys.content, made.chunk))).toBe('open-failed');
    const text = await madeIndex(lines, { kind: 'output', track: RecordingTrack.TEXT });
    expect(await codeOf(openChunk(text.keys.index, text.chunk))).toBe('open-failed');
    const said = encodeMessage(RecordingChunkSchema, made.chunk);
    for (const line of lines) expect(Buffer.from(said).toString('latin1')).not.toContain(line);
    for (const key of windowsOf(made.chunk.signature))
      expect(await codeOf(openChunk(await SymmetricKey.import(key), made.chunk))).toBe('open-failed');
  });

  test('of another recording of the same gateway is taken for none, whatever is made to fit', async () => {
    const gateway = newGatewayKey();
    const [one, other] = [await indexed({ gateway }), await indexed({ gateway })];
    expect(await opens(one, other.chunk)).toBe('foreign-session');
    const renamed = clone(RecordingChunkSchema, other.chunk);
    renamed.sessionUid = one.chunk.sessionUid;
    renamed.previous = one.chunk.previous;
    expect(await opens(one, renamed)).toBe('changed-chunk');
    renamed.signature = await signChunk(gateway, renamed); // even if the gateway had signed it
    expect(await codeOf(opens(one, renamed))).toBe('open-failed');
  });

  test('is no text of the recording, nor the text its index', async () => {
    const made = await indexed();
    const moved = clone(RecordingChunkSchema, made.chunk);
    moved.track = RecordingTrack.TEXT;
    expect(await opens(made, moved)).toBe('changed-chunk');
    expect(await codeOf(openChunk(made.keys.index, moved))).toBe('open-failed');
  });
});

/** Whatever could be a key in there. */
function windowsOf(bytes: Uint8Array): Bytes[] {
  return Array.from({ length: bytes.length - 31 }, (_, at) => copy(bytes.slice(at, at + 32)));
}
