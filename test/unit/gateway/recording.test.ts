import { randomBytes as noise } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import { PictureFilter } from '../../../gateway/recording/picture-filter.ts';
import { SessionRecorder } from '../../../gateway/recording/session-recorder.ts';
import { Spool } from '../../../gateway/recording/spool.ts';
import { TypedKeys } from '../../../gateway/recording/typed-keys.ts';
import { utf8 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { RecordingChunkSchema, RecordingTrack } from '../../../protocol/messages/gen/recording_pb.js';
import { openChunk } from '../../../protocol/recording/chunk.ts';
import { importRecordingKeys } from '../../../protocol/recording/recording-key.ts';
import { RecordingVerifier } from '../../../protocol/recording/verifier.ts';
import { RecordingWriter } from '../../../protocol/recording/writer.ts';
import { encodeInstructionBytes as instruction } from '../../../protocol/guacamole/instruction.ts';
import { verifyClosing } from '../../../protocol/signed/recording.ts';
import { newUid, uidBytes, uidOf } from '../../../protocol/uid.ts';
import { writePng } from '../../fakes/png.ts';
import { newGatewayKey } from '../../fixtures/recording.ts';

const silent = new Logger('silent');

describe('typed keys', () => {
  function typing() {
    const kept: string[] = [];
    const keys = new TypedKeys(({ kind, bytes }) =>
      kept.push(kind === 'withheld' ? '…' : Buffer.from(bytes).toString('latin1')),
    );
    return {
      kept: () => kept.join(''),
      types: (text: string) => keys.input(Buffer.from(text)),
      shows: (text: string) => keys.output(Buffer.from(text)),
      flush: () => keys.flush(),
    };
  }

  test('what the terminal echoes is kept, as it is typed or late', () => {
    const { kept, types, shows } = typing();
    for (const letter of 'ls') {
      types(letter);
      shows(letter);
    }
    types('\r');
    shows('\r\nfile\r\n$ ');
    types('whoami\r');
    shows('whoami\r\n\x1b[?2004lroot\r\n$ ');
    expect(kept()).toBe('ls\rwhoami\r');
  });

  test.each([
    'Password: ',
    'ada@host\u2019s password: ',
    'Enter passphrase for key: ',
    'Passwort: ',
    'PIN? ',
    '\x1b[1mPassword:\x1b[0m ',
    '\x1b[1mPass\x1b[22mword\x1b[0m:\x1b[K ',
  ])('nothing of what is typed at “%s” is kept, echo or not', (prompt) => {
    const { kept, types, shows, flush } = typing();
    shows(`$ sudo -i\r\n${prompt}`);
    types('hunter2\r');
    shows('hunter2\r\n# ');
    flush();
    expect(kept()).toBe('…\r');
  });

  test('nor at a second and third attempt, whatever the screen shows that is the same', () => {
    const { kept, types, shows, flush } = typing();
    shows('Today is 2026\r\nPIN: ');
    types('1999\r');
    shows('\r\nwrong\r\nPIN: ');
    types('2025\r');
    shows('\r\nwrong\r\nPIN: ');
    types('2026\r');
    shows('\r\nlast login 2026, 2025, 1999\r\n$ ');
    types('id\r');
    shows('id\r\n');
    flush();
    expect(kept()).toBe('…\r…\r…\rid\r');
  });

  test('what is not shown again is left out, whatever asked for it', () => {
    const { kept, types, shows, flush } = typing();
    shows('Geheim> ');
    types('hunter2\r');
    shows('\r\nwelcome, the unit of hours is 2\r\n$ ');
    types('id\r');
    shows('id\r\n');
    flush();
    expect(kept()).toBe('…\rid\r');
  });

  test('corrections, cursor keys and wrapped lines', () => {
    const { kept, types, shows, flush } = typing();
    types('lx');
    shows('lx');
    types('\x7f');
    shows('\b \b');
    types('s\r');
    shows('s\r\n');
    types('\x1b[A');
    types('\r');
    types('abcd\r');
    shows('ab \rcd\r\n');
    flush();
    expect(kept()).toBe('ls\r\x1b[A\rabcd\r');
  });
});

test('what a clipboard holds is no part of the picture, until its stream ends', () => {
  const filter = new PictureFilter();
  const all = [
    '9.clipboard,1.0,10.text/plain;',
    '4.blob,1.0,8.c2VjcmV0;',
    '3.img,1.1,2.15,1.0,9.image/png,1.0,1.0;',
    '4.blob,1.1,4.AAAA;',
    '3.end,1.0;',
    '3.end,1.1;',
    '4.blob,1.0,4.BBBB;',
    '4.sync,1.1;',
  ].map((text) => Buffer.from(text));
  const kept = filter.filter(all).map((bytes) => Buffer.from(bytes).toString());
  expect(kept).toEqual([2, 3, 5, 6, 7].map((index) => String(all[index])));
});

describe('a recorder and its spool', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'sallyport-spool-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  async function recording(most = 2 ** 30) {
    const spool = await Spool.open(join(folder, 'spool'), most, silent);
    const [sessionUid, device] = [newUid(), newGatewayKey()];
    const keys = await importRecordingKeys(randomBytes(32), sessionUid);
    const uid = uidBytes(sessionUid);
    const policy = { graphical: true, text: true, keys: true, clipboard: false, required: true };
    const writer = await RecordingWriter.begin(device, keys, {
      ...{ sessionUid: uid, recordUid: uid, accountUid: uid, gatewayUid: uid, applicationUid: uid },
      ...{ ownerUid: uid, keyVersion: 1, startedAtMs: 1n, protocol: 'ssh', policy },
      wrappedKey: new Uint8Array(69),
    });
    await spool.writeOpening(sessionUid, writer.opening);
    const failed = Promise.withResolvers<unknown>();
    const [onStored, host] = [() => undefined, newUid()];
    const recorder = new SessionRecorder({
      ...{ writer, accountUid: host, spool, policy, onStored },
      onFailed: failed.resolve,
    });
    return {
      spool,
      recorder,
      host,
      key: keys.content,
      device,
      sessionUid,
      failed: failed.promise,
    };
  }

  test('writes a whole recording: tracks, key frames, one last chunk, private files', async () => {
    const { spool, recorder, key, device, sessionUid } = await recording();
    recorder.picture?.shows([utf8('4.size,1.0,1.8,1.8;')]);
    recorder.shell?.resize({ columns: 80, rows: 24, width: 1, height: 1 });
    recorder.shell?.output(Buffer.from('$ '));
    recorder.picture?.begins();
    recorder.picture?.shows([utf8('4.sync,1.1;')]);
    recorder.shell?.input(Buffer.from('id\r'));
    recorder.shell?.output(Buffer.from('id\r\n'));
    await recorder.close('closed');
    const [spooled] = await spool.list();
    expect(spooled).toMatchObject({ sessionUid, chunks: [0, 1, 2, 3], closed: true });
    const verifier = new RecordingVerifier(device.publicKey);
    await verifier.take({ kind: 'opening', signed: spooled?.opening ?? expect.unreachable() });
    const seen: unknown[] = [];
    for (const place of [0, 1, 2, 3]) {
      const chunk = decodeMessage(RecordingChunkSchema, await spool.readChunk(sessionUid, place));
      expect(await verifier.take({ kind: 'chunk', chunk })).toBe(true);
      const entries = await openChunk(key, chunk);
      const text = entries.map(({ kind, bytes }) => `${kind} ${Buffer.from(bytes).toString('latin1')}`);
      seen.push([RecordingTrack[chunk.track], chunk.keyFrame, chunk.final, ...text]);
    }
    await verifier.take({ kind: 'closing', signed: await spool.readClosing(sessionUid) });
    expect(verifier.end(true)).toEqual([]);
    expect(seen).toEqual([
      ['GRAPHICAL', true, false, 'picture 4.size,1.0,1.8,1.8;'],
      ['GRAPHICAL', true, false, 'picture 4.sync,1.1;'],
      ['TEXT', false, false, 'resize \0P\0\x18', 'output $ ', 'output id\r\n'],
      ['KEYS', false, true, 'keys id\r'],
    ]);
    const files = readdirSync(join(folder, 'spool'), { recursive: true, withFileTypes: true });
    for (const file of files) {
      const mode = statSync(join(file.parentPath, file.name)).mode & 0o777;
      expect(mode).toBe(file.isFile() ? 0o600 : 0o700);
    }
  });

  test('who typed is said where somebody else did before, in an entry that is sealed and signed as all are', async () => {
    const { spool, recorder, host, key, device, sessionUid } = await recording();
    const guest = newUid();
    recorder.shell?.output(Buffer.from('$ '));
    for (const by of [host, host, guest, guest, guest, host]) recorder.typed(by);
    await recorder.close('closed');
    recorder.typed(guest);
    const verifier = new RecordingVerifier(device.publicKey);
    await verifier.take({
      kind: 'opening',
      signed: (await spool.list())[0]?.opening ?? expect.unreachable(),
    });
    const said: string[] = [];
    for (const place of [0, 1]) {
      const chunk = decodeMessage(RecordingChunkSchema, await spool.readChunk(sessionUid, place));
      expect(await verifier.take({ kind: 'chunk', chunk })).toBe(true);
      if (chunk.track === RecordingTrack.PEOPLE)
        said.push(...(await openChunk(key, chunk)).map(({ kind, bytes }) => `${kind} ${uidOf(bytes)}`));
    }
    expect(said).toEqual([`typist ${guest}`, `typist ${host}`]);
  });

  test('its closing says how many chunks of the text there are', async () => {
    const { spool, recorder, key, device, sessionUid } = await recording();
    const lines = Buffer.from('0123456789abcdef\r\n'.repeat(4096));
    for (let written = 0; written < 3 * 1024 * 1024; written += lines.length) {
      recorder.shell?.output(lines);
      await recorder.settled; // a disk keeps up
    }
    await recorder.close('closed');
    const [spooled] = await spool.list();
    let [ofText, bytes] = [0, 0];
    for (const place of spooled?.chunks ?? []) {
      const chunk = decodeMessage(RecordingChunkSchema, await spool.readChunk(sessionUid, place));
      if (chunk.track !== Number(RecordingTrack.TEXT)) continue;
      ofText++;
      for (const entry of await openChunk(key, chunk)) bytes += entry.bytes.length;
    }
    expect(bytes).toBeGreaterThanOrEqual(3 * 1024 * 1024);
    expect(ofText, 'a flood fills whole chunks').toBeLessThan(9);
    const closing = await verifyClosing(device.publicKey, await spool.readClosing(sessionUid));
    expect([closing.textChunks, closing.indexChunks]).toEqual([ofText, undefined]);
  });

  test('a key frame begins a chunk of its own, with the screen before what follows', async () => {
    const { spool, recorder, key, sessionUid } = await recording();
    const colour = (red: number) => [
      utf8('4.rect,1.0,1.0,1.0,1.8,1.8;'),
      utf8(`5.cfill,2.14,1.0,${String(red).length}.${red},1.0,1.0,3.255;`),
      utf8('4.sync,1.1;'),
    ];
    recorder.picture?.begins();
    recorder.picture?.shows([utf8('4.size,1.0,1.8,1.8;'), ...colour(1)]);
    const much = Array.from({ length: 2_200 }, () => instruction('name', 'x'.repeat(1_000)));
    for (const one of much) recorder.picture?.shows([one]);
    recorder.picture?.shows(colour(7));
    await recorder.close('closed');
    const [spooled] = await spool.list();
    const began: unknown[] = [];
    for (const index of spooled?.chunks ?? []) {
      const chunk = decodeMessage(RecordingChunkSchema, await spool.readChunk(sessionUid, index));
      const kinds = (await openChunk(key, chunk)).map(({ kind }) => kind);
      if (chunk.track !== Number(RecordingTrack.GRAPHICAL) || !chunk.keyFrame) continue;
      began.push([kinds[0], kinds.lastIndexOf('screen')]);
    }
    expect(began).toEqual([
      ['picture', -1],
      ['screen', 0],
    ]);
  });

  test('a screen that is larger than a chunk goes on in the next ones, each of which opens', async () => {
    const { spool, recorder, key, sessionUid } = await recording();
    const data = noise(800 * 700 * 4); // nothing of it compresses
    const image = writePng({ width: 800, height: 700, data }).toString('base64');
    const blobs = image.match(/.{1,6000}/g)?.map((piece) => instruction('blob', 1, piece)) ?? [];
    recorder.picture?.begins();
    recorder.picture?.shows([
      instruction('size', 0, 800, 700),
      instruction('img', 1, 14, 0, 'image/png', 0, 0),
    ]);
    for (const blob of blobs) recorder.picture?.shows([blob]);
    recorder.picture?.shows([instruction('end', 1), instruction('sync', 1)]);
    await recorder.close('closed');
    const [spooled] = await spool.list();
    const screens: number[] = [];
    for (const index of spooled?.chunks ?? []) {
      const chunk = decodeMessage(RecordingChunkSchema, await spool.readChunk(sessionUid, index));
      const entries = await openChunk(key, chunk);
      if (entries[0]?.kind === 'screen')
        screens.push(entries.reduce((sum, { bytes }) => sum + bytes.length, 0));
    }
    expect(screens.length).toBeGreaterThan(1);
    expect(screens.reduce((sum, bytes) => sum + bytes)).toBeGreaterThan(image.length);
  });

  test('images whose rows are many come in as many chunks as they take, each of which opens', async () => {
    const { spool, recorder, key, sessionUid } = await recording();
    const data = Buffer.alloc(900 * 800 * 4, 0xff);
    for (let at = 0; at < data.length; at += 40) data.set(noise(3), at);
    const image = writePng({ width: 900, height: 800, data }).toString('base64');
    const blobs = image.match(/.{1,6000}/g)?.map((piece) => instruction('blob', 1, piece)) ?? [];
    const open = instruction('img', 1, 14, 0, 'image/png', 0, 0);
    recorder.picture?.begins();
    recorder.picture?.shows([instruction('size', 0, 900, 800)]);
    for (let round = 0; round < 12; round++)
      recorder.picture?.shows([open, ...blobs, instruction('end', 1), instruction('sync', 1)]);
    await recorder.close('closed');
    const [spooled] = await spool.list();
    let [ends, sealed] = [0, 0];
    for (const index of spooled?.chunks ?? []) {
      const chunk = decodeMessage(RecordingChunkSchema, await spool.readChunk(sessionUid, index));
      sealed += chunk.sealed.length;
      const entries = await openChunk(key, chunk);
      const text = Buffer.concat(entries.map(({ bytes }) => bytes)).toString('latin1');
      ends += text.split('3.end,1.1;').length - 1;
    }
    expect(spooled?.chunks.length).toBeGreaterThan(1);
    expect(ends).toBeGreaterThanOrEqual(12);
    expect(sealed, 'the same image twelve times').toBeLessThan(0.5 * 12 * image.length);
  });

  test('a session in which nothing was shown or typed leaves no recording', async () => {
    const { spool, recorder } = await recording();
    recorder.picture?.begins();
    await recorder.close('host-key-unknown');
    expect([await spool.list(), spool.usedBytes]).toEqual([[], 0]);
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
  });

  test('a full spool is said, once, and nothing is written half', async () => {
    const { spool, recorder, failed } = await recording(20_000);
    for (let i = 0; i < 40; i++) recorder.shell?.output(Buffer.from(randomBytes(32_768)));
    expect(await failed).toMatchObject({ code: 'limit-reached' });
    expect(spool.usedBytes).toBeLessThanOrEqual(20_000);
    recorder.shell?.output(Buffer.from('more'));
    await recorder.close('closed');
    expect(await spool.list()).toMatchObject([{ chunks: [], closed: false }]);
  });

  test('what a crash left half written, or without an opening, is forgotten; the rest is counted again', async () => {
    const { spool, recorder, sessionUid } = await recording();
    recorder.picture?.shows([utf8('4.sync,1.1;')]);
    await recorder.close('closed');
    const session = Buffer.from(uidBytes(sessionUid)).toString('hex');
    writeFileSync(join(folder, 'spool', session, '1.0a1b2c3d4e5f'), 'half');
    mkdirSync(join(folder, 'spool', '0'.repeat(32)), { mode: 0o700 });
    const again = await Spool.open(join(folder, 'spool'), 2 ** 30, silent);
    expect(again.usedBytes).toBe(spool.usedBytes);
    expect(readdirSync(join(folder, 'spool'))).toEqual([session]);
    expect(readdirSync(join(folder, 'spool', session)).sort()).toEqual(['0', 'closing', 'opening']);
    await again.removeRecording(sessionUid);
    expect([again.usedBytes, await again.list()]).toEqual([0, []]);
  });
});
