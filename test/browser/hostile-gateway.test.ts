// Class 30, the page's side: a gateway that was overtaken, or a guacd behind it that nobody filters, says what it likes.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { concat, encodeBase64 } from '../../protocol/bytes.ts';
import { encodeInstructionBytes } from '../../protocol/guacamole/instruction.ts';
import { describeFailure } from '../../web/session/failures/failures.ts';
import { GatewayPeer } from '../../web/session/way/gateway-peer.ts';
import { RemoteScreen, type ScreenTargets } from '../../web/session/screen/remote-screen.ts';
import type { ResumeSession, SessionResumed } from '../../workers/api.ts';
import { HeldByPage } from '../fakes/held-by-page.ts';
import { PageGateway } from '../fakes/page-gateway.ts';

type Said = readonly [string, ...(string | number)[]];
const MiB = 2 ** 20;
const verbs = {
  resumeSession: (_: ResumeSession): Promise<SessionResumed> => Promise.reject(new Error('not here')),
  openDetour: () => Promise.resolve(),
  sendCandidate: () => Promise.resolve(),
  iceServers: () => Promise.resolve([]),
};
const policy = { disableCopy: false, disablePaste: false, terminal: false, resizes: true };
/** For a machine without graphics that has much else to do. */
const patience = { timeout: 60_000 };
const longest = 180_000;

const say = (...list: readonly Said[]) =>
  concat(...list.map(([opcode, ...args]) => encodeInstructionBytes(opcode, ...args)));
const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));
function* endless(piece: Uint8Array, most = Infinity): Generator<Uint8Array> {
  for (let n = 0; n < most; n++) yield piece;
}

/** A session with a gateway of its own, on a screen of its own. */
class TestSession {
  readonly gateway = new PageGateway();
  readonly peer = new GatewayPeer(verbs, () => {});
  readonly failures: string[] = [];
  readonly copied: (string | null)[] = [];
  screen!: RemoteScreen;

  async open(): Promise<this> {
    await this.gateway.answer(this.peer);
    const multiplexer = await this.peer.opened;
    const stream = multiplexer.openStream({ streamToken: new Uint8Array(16) });
    stream.onReset = (code) => this.failures.push(code);
    const targets: ScreenTargets = {
      ...{
        firstFrame: () => {},
        released: () => {},
        pasted: () => {},
        scaled: () => {},
        pinched: () => {},
        sound: () => {},
      },
      ...{ copied: (text) => this.copied.push(text), sticky: () => [] },
      failed: (message) => this.failures.push(message),
    };
    this.screen = new RemoteScreen(stream, { width: 800, height: 600, ratio: 1 }, policy, targets);
    document.body.append(this.screen.element);
    return this;
  }

  /** A key arrives, and what is drawn then is seen. */
  async works(red: number): Promise<void> {
    const keys = this.gateway.said('key').length;
    this.screen.press([0x61]);
    await this.gateway.flood([
      say(['size', 0, 64, 64], ['rect', 0, 0, 0, 64, 64], ['cfill', 14, 0, red, 2, 3, 255], ['sync', red]),
    ]);
    await vi.waitFor(() => {
      expect(this.gateway.said('key').length).toBe(keys + 2);
      const canvas = this.screen.element.querySelector('canvas');
      expect([...(canvas?.getContext('2d')?.getImageData(9, 9, 1, 1).data ?? [])]).toEqual([red, 2, 3, 255]);
    }, patience);
  }

  close(): void {
    this.screen.close();
    this.screen.element.remove();
    this.peer.close();
    this.gateway.close();
  }
}

let hostile: TestSession;
let other: TestSession;
let held: HeldByPage;
beforeEach(async () => {
  held = new HeldByPage();
  hostile = await new TestSession().open();
  other = await new TestSession().open();
});
afterEach(() => {
  hostile.close();
  other.close();
  held.close();
});

async function endsNamed(code: string): Promise<void> {
  await vi.waitFor(() => expect(hostile.failures).toEqual([code]), patience);
  const { title, next } = describeFailure({ leg: 'guacd', code, message: '' });
  expect([title, next]).not.toEqual(expect.arrayContaining([undefined]));
  expect(title).not.toBe('The session failed'); // what is said of a code that nobody knows
}

/** So much may stand in the page on top of what it had: canvases of 400 MB, and what is being drawn on them. */
const mostHeld = 900 * MiB;

/** The storm goes on while another session is used; then the person leaves, or the session was ended for its sake. */
async function weathers(pieces: Iterable<Uint8Array>): Promise<void> {
  const before = await held.bytes();
  const storm = hostile.gateway.flood(pieces);
  const used = async () => {
    for (let red = 1; red <= 2; red++) await other.works(red * 20);
  };
  await held.during(used());
  hostile.screen.close();
  hostile.gateway.close();
  await Promise.all([storm, other.works(200)]);
  expect(held.most - before).toBeLessThan(mostHeld);
  expect(other.failures).toEqual([]);
}

async function picture(side: number, kind: string): Promise<Uint8Array> {
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext('2d');
  for (let n = 0; n < 16; n++) context?.fillRect(n * 3, n * 5, 2, 3);
  return new Uint8Array(await (await canvas.convertToBlob({ type: kind })).arrayBuffer());
}

/** A picture as guacd sends it: opened, in parts, ended. */
function shown(stream: number, kind: string, bytes: Uint8Array): Uint8Array {
  const parts = times(Math.ceil(bytes.length / 6_000), (n) => bytes.slice(n * 6_000, (n + 1) * 6_000));
  return say(
    ['img', stream, 14, 0, kind, 0, 0],
    ...parts.map((part): Said => ['blob', stream, encodeBase64(part)]),
    ['end', stream],
  );
}

describe('what no gateway lets through ends the session by name, and no other', { timeout: longest }, () => {
  const text = (said: string) => new TextEncoder().encode(said);
  test.each<[string, Uint8Array]>([
    ['noise', crypto.getRandomValues(new Uint8Array(2_000))],
    ['an instruction of a gigabyte', text('4.blob,1.1,1000000000.AAAA')],
    ['elements without end', text('1.a,'.repeat(1_000))],
    ['letters that are none', new Uint8Array([0x34, 0x2e, 0x6e, 0x61, 0xc0, 0x80])],
    ['a nest', say(['nest', 0, '4.size,1.0,5.16384,5.16384;'])],
    ['sound that is encoded', say(['audio', 1, 'audio/ogg'], ['blob', 1, 'AAAA'])],
    ['a film', say(['video', 1, 0, 'video/mp4'])],
    ['a file with a name that lies', say(['file', 1, 'text/plain', 'rechnung\u202Efdp.exe\u0000\n'])],
    ['a pipe', say(['pipe', 1, 'text/plain', 'x'])],
    ['a filesystem', say(['filesystem', 0, '\u001b]0;C:\u0007'], ['body', 0, 1, 'text/plain', '/'])],
    ['blobs on a stream that nobody opened', say(...times(500, (n): Said => ['blob', n, 'AAAA']))],
    ['layers without end', say(...times(3_000, (n): Said => ['size', n + 1, 2_000, 2_000]))],
    ['buffers without end', say(...times(16_400, (n): Said => ['rect', -n - 1, 0, 0, 256, 256]))],
    ['a screen of 16,384 by 16,384', say(['size', 0, 16_384, 16_384])],
    ['layers that lie on themselves', say(['move', 1, 2, 0, 0, 0], ['move', 2, 1, 0, 0, 0], ['sync', 1])],
    ['a path without end', say(...times(5_000, (n): Said => ['rect', 0, n, n, 1, 1]))],
    ['a stack without end', say(...times(5_000, (): Said => ['push', 0]))],
    ['a pointer of 32,767 pixels', say(['cursor', 0, 0, -1, 0, 0, 32_767, 32_767])],
    ['a pointer without any', say(['cursor', 0, 0, -1, 0, 0, 0, 0], ['sync', 1])],
    ['clipboards without end', say(...times(20, (n): Said => ['clipboard', n, 'text/plain']))],
    [
      'a clipboard without end',
      say(['clipboard', 0, 'text/plain'], ...times(100, (): Said => ['blob', 0, 'A'.repeat(8_000)])),
    ],
    ['a blob that is no base64', say(['clipboard', 0, 'text/plain'], ['blob', 0, '!!!!'])],
    ['a picture by its address', say(['png', 14, 0, 0, 0, '//elsewhere.example/x.png'])],
    ['a drawing that is a program', say(['img', 1, 14, 0, 'image/svg+xml', 0, 0])],
    ['a goodbye that waits for ever', say(['disconnect'])],
  ])('%s', async (_, bytes) => {
    await hostile.gateway.flood([bytes]);
    await endsNamed('guacamole-malformed');
    await other.works(90);
    expect(hostile.copied).toEqual([]);
  });

  /** Where the header ends that says how large it is: of a JPEG, its SOF0 (ITU-T T.81, B.2.2). */
  const headerOf = (kind: string, whole: Uint8Array) =>
    kind === 'image/jpeg' ? whole.findIndex((byte, at) => byte === 0xff && whole[at + 1] === 0xc0) + 19 : 60;

  test.each(['image/png', 'image/jpeg', 'image/webp'])(
    '%s that breaks off after its header',
    async (kind) => {
      const whole = await picture(300, kind);
      const broken = concat(whole.slice(0, headerOf(kind, whole)), new Uint8Array(whole.length).fill(0x55));
      await hostile.gateway.flood([shown(1, kind, broken), say(['sync', 1])]);
      await endsNamed('picture-broken');
      await other.works(90);
    },
  );

  test('a picture of 16,384 by 16,384 is not even begun', async () => {
    const header = await picture(1, 'image/png');
    new DataView(header.buffer).setUint32(16, 16_384);
    new DataView(header.buffer).setUint32(20, 16_384);
    await hostile.gateway.flood([shown(1, 'image/png', header)]);
    await endsNamed('guacamole-malformed');
    await other.works(90);
  });

  test('a page that is not listened to says so, before its answers fill it', async () => {
    hostile.gateway.stingy = true;
    const asks = times(200, (): Said[] => [
      ['argv', 1, 'text/plain', 'font-size'],
      ['end', 1],
    ]);
    const one = say(...asks.flat());
    void hostile.gateway.flood(endless(one));
    await endsNamed('gateway-deaf');
    await other.works(90);
  });
});

describe('what may be said, and too much of it, waits until it is drawn', { timeout: longest }, () => {
  const screen: Said[] = [['size', 0, 1_920, 1_080]];

  test('frames', () => weathers(endless(say(...times(1_000, (n): Said => ['sync', n])))));

  test('sizes', async () => {
    const sizes = times(100, (n): Said[] => [
      ['size', 0, 640 + (n % 9) * 64, 900 - (n % 7) * 64],
      ['sync', n],
    ]);
    await weathers(endless(say(...sizes.flat())));
  });

  test('copies of whole screens, of which no frame has an end', async () => {
    const copies = times(200, (n): Said => ['copy', 0, 0, 0, 1_920, 1_080, 14, -1, n % 9, 0]);
    await weathers(endless(say(...screen, ...copies)));
  });

  test('screens that are worked out pixel by pixel', async () => {
    const inverted = times(20, (n): Said[] => [
      ['transfer', 0, 0, 0, 200, 200, 10, 0, n, n],
      ['sync', n],
    ]);
    await weathers(endless(say(...screen, ...inverted.flat())));
  });

  test('pointers', async () => {
    const pointers = times(50, (n): Said[] => [
      ['cursor', n % 64, 0, 0, n, 0, 512, 512],
      ['sync', n],
    ]);
    await weathers(endless(say(...screen, ...pointers.flat())));
  });

  test('pictures that are small on the way and large in the page', async () => {
    const bomb = await picture(5_000, 'image/png');
    expect(bomb.length).toBeLessThan(2 * MiB);
    await weathers(endless(shown(1, 'image/png', bomb), 200));
  });

  test('pictures that the page decodes itself', async () => {
    const small = await picture(180, 'image/png');
    await weathers(endless(shown(1, 'image/png', small)));
  });

  test('clipboards, one after another', async () => {
    const one = say(
      ['clipboard', 1, 'text/plain'],
      ...times(40, (): Said => ['blob', 1, encodeBase64(new Uint8Array(6_000).fill(0x61))]),
      ['end', 1],
    );
    await weathers(endless(one));
  });

  test('an instruction that drips', async () => {
    await hostile.gateway.flood([new TextEncoder().encode('4.blob,1.1,30000.')]);
    await weathers(endless(Uint8Array.of(0x41), 2_000));
  });
});
