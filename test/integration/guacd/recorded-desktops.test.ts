// What real guacd draws of real desktops, as it is drawn again from what the gateway keeps of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openPicture, type Picture } from '../../../gateway/guacd/picture.ts';
import { Logger } from '../../../gateway/log/logger.ts';
import { SessionRecorder } from '../../../gateway/recording/session-recorder.ts';
import { Spool } from '../../../gateway/recording/spool.ts';
import { concat } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { encodeInstructionBytes as instruction } from '../../../protocol/guacamole/instruction.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { RecordingChunkSchema } from '../../../protocol/messages/gen/recording_pb.js';
import { openChunk, openEntries } from '../../../protocol/recording/chunk.ts';
import { importRecordingKeys } from '../../../protocol/recording/recording-key.ts';
import { RecordingWriter } from '../../../protocol/recording/writer.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { DrawnScreen } from '../../fakes/drawn-screen.ts';
import { fileHolds } from '../../fakes/terminal.ts';
import { startDesktop, startRdpTarget, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { newGatewayKey } from '../../fixtures/recording.ts';

const asRoot = process.getuid?.() === 0;
/** Lists, one after another, as somebody looks at them. */
const work =
  'for i in $(seq 9); do clear; ls -l --color /usr/bin | tail -n $((i * 37)) | head -30; sleep 0.4; done; echo > worked\n';

let folder: string;
let guacd: GuacdPool;
let desktop: DesktopTarget;
let windows: DesktopTarget;
let picture: Picture | null = null;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-recorded-'));
  if (!asRoot) return;
  [guacd, desktop, windows] = await Promise.all([startTestGuacdPool(), startDesktop(), startRdpTarget()]);
});
afterEach(async () => await picture?.close());
afterAll(async () => {
  await Promise.all([guacd?.stop(), desktop?.stop(), windows?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Recorded {
  readonly spool: Spool;
  readonly key: SymmetricKey;
  readonly sessionUid: Uid;
  readonly recorder: SessionRecorder;
}

async function record(name: string): Promise<Recorded> {
  const spool = await Spool.open(join(folder, name), 2 ** 30, new Logger('silent'));
  const sessionUid = newUid();
  const { content: key, ...keys } = await importRecordingKeys(randomBytes(32), sessionUid);
  const uid = uidBytes(sessionUid);
  const policy = { graphical: true, text: false, keys: false, clipboard: false, required: true };
  const writer = await RecordingWriter.begin(
    newGatewayKey(),
    { content: key, ...keys },
    {
      ...{ sessionUid: uid, recordUid: uid, accountUid: uid, gatewayUid: uid, applicationUid: uid },
      ...{ ownerUid: uid, keyVersion: 1, startedAtMs: 1n, protocol: name, policy },
      wrappedKey: new Uint8Array(69),
    },
  );
  await spool.writeOpening(sessionUid, writer.opening);
  const failed = (error: unknown) => expect.unreachable(String(error));
  const recorder = new SessionRecorder({
    ...{ writer, accountUid: newUid(), spool, policy, onStored: () => undefined, onFailed: failed },
  });
  return { spool, key, sessionUid, recorder };
}

/** Draws what comes as a page would, and records it. */
class Seen {
  readonly screen = new DrawnScreen();
  readonly #recorder: SessionRecorder;
  bytes = 0;
  #wake: () => void = () => {};

  constructor(recorder: SessionRecorder) {
    this.#recorder = recorder;
  }

  begins(): void {
    this.#recorder.picture?.begins();
  }

  shows(instructions: readonly Uint8Array[]): void {
    this.#recorder.picture?.shows(instructions);
    for (const one of instructions) {
      this.bytes += one.length;
      this.screen.draw(one);
    }
    this.#wake();
  }

  async drawn(): Promise<void> {
    while (this.screen.syncs < 3) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

async function chunksOf({ spool, sessionUid }: Recorded) {
  const [spooled] = await spool.list();
  const read = async (index: number) =>
    decodeMessage(RecordingChunkSchema, await spool.readChunk(sessionUid, index));
  return await Promise.all((spooled?.chunks ?? []).map(read));
}

describe.runIf(asRoot)('a recorded desktop', () => {
  test.each([
    ['vnc', () => desktop, {}],
    ['rdp', () => windows, { username: 'ada', 'ignore-cert': 'true', security: 'any' }],
  ] as const)(
    'over %s is played as it was seen, and takes much less than was sent',
    async (protocol, of, more) => {
      const { port, host: hostname, password, home, homeFile } = of();
      const recorded = await record(protocol);
      const seen = new Seen(recorded.recorder);
      picture = await openPicture({
        ...{ guacd: { pool: guacd.path }, select: { protocol } },
        parameters: { hostname, port: String(port), password, 'color-depth': '24', ...more },
        recorder: seen,
        ...{ display: { width: 800, height: 600, dpi: 96 } },
        ...{ policy: { disableCopy: false, disablePaste: false }, signal: new AbortController().signal },
      });
      picture.detach(); // it runs on
      await seen.drawn();
      for (const letter of work) {
        const keysym = letter === '\n' ? 0xff0d : (letter.codePointAt(0) ?? 0);
        picture.write(concat(instruction('key', keysym, 1), instruction('key', keysym, 0)));
      }
      await fileHolds({ home, homeFile }, 'worked', '\n', 30_000);
      await picture.close();
      await recorded.recorder.close('closed');

      const played = new DrawnScreen();
      let images = 0;
      const chunks = await chunksOf(recorded);
      for (const chunk of chunks) {
        for (const { kind } of await openEntries(recorded.key, chunk)) if (kind === 'image') images++;
        for (const { kind, bytes } of await openChunk(recorded.key, chunk))
          if (kind === 'picture') played.draw(bytes);
      }
      expect(images).toBeGreaterThan(3);
      expect(played.strange).toEqual(new Set());
      expect(played.syncs).toBe(seen.screen.syncs);
      expect(played.print).toBe(seen.screen.print);
      const kept = chunks.reduce((sum, { sealed }) => sum + sealed.length, 0);
      expect(kept).toBeLessThan(0.7 * seen.bytes);
    },
  );
});
