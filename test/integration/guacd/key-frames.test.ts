// What real guacd draws of real targets, drawn again from the gateway's knowledge of the screen.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openPicture, type Picture } from '../../../gateway/guacd/picture.ts';
import type { GuacdProtocol } from '../../../gateway/guacd/handshake.ts';
import { ScreenModel } from '../../../gateway/recording/screen/screen-model.ts';
import { concat } from '../../../protocol/bytes.ts';
import { encodeInstructionBytes as instruction } from '../../../protocol/guacamole/instruction.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { DrawnScreen } from '../../fakes/drawn-screen.ts';
import { fileHolds } from '../../fakes/terminal.ts';
import {
  desktopGreen,
  startDesktop,
  startRdpTarget,
  type DesktopTarget,
} from '../../fixtures/desktop-target.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startTelnetTarget, type TelnetTarget } from '../../fixtures/telnet-target.ts';

const asRoot = process.getuid?.() === 0;
let guacd: GuacdPool;
let desktop: DesktopTarget;
let windows: DesktopTarget;
let telnet: TelnetTarget;
let picture: Picture | null = null;

beforeAll(async () => {
  if (!asRoot) return;
  [guacd, desktop, windows, telnet] = await Promise.all([
    ...([startTestGuacdPool(), startDesktop(), startRdpTarget(), startTelnetTarget()] as const),
  ]);
});
afterEach(async () => await picture?.close());
afterAll(() => Promise.all([guacd?.stop(), desktop?.stop(), windows?.stop(), telnet?.stop()]));

/** Draws what comes, and every so often the screen as the gateway knows it, beside. */
class Watched {
  readonly screen = new DrawnScreen();
  readonly #model = new ScreenModel();
  /** Of both, where they were compared; null: the gateway did not know all of it. */
  readonly prints: (readonly [string, string | null])[] = [];
  #wake: () => void = () => {};

  begins(): void {}

  shows(instructions: readonly Uint8Array[]): void {
    for (const one of instructions) {
      this.screen.draw(one);
      this.#model.take(one);
      const sync = Buffer.from(one).toString('latin1', 0, 7) === '4.sync,';
      if (sync && (this.compared < 3 || this.screen.syncs % 4 === 0)) this.#compare();
    }
    this.#wake();
  }

  get compared(): number {
    return this.prints.filter(([, again]) => again !== null).length;
  }

  #compare(): void {
    const again = this.#model.draw();
    const drawn = new DrawnScreen();
    if (again) drawn.draw(concat(...again));
    this.prints.push([this.screen.print, again && drawn.print]);
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

async function open(protocol: GuacdProtocol, parameters: Readonly<Record<string, string>>) {
  const watched = new Watched();
  picture = await openPicture({
    ...{ guacd: { pool: guacd.path }, select: { protocol }, parameters, recorder: watched },
    ...{ display: { width: 800, height: 600, dpi: 96 }, image: ['image/png'] },
    ...{ policy: { disableCopy: false, disablePaste: false }, signal: new AbortController().signal },
  });
  picture.detach(); // it runs on
  const type = (text: string) => {
    for (const letter of text) {
      const keysym = letter === '\n' ? 0xff0d : (letter.codePointAt(0) ?? 0);
      picture?.write(concat(instruction('key', keysym, 1), instruction('key', keysym, 0)));
    }
  };
  return { watched, type };
}

/** Scrolls, overwrites, moves about and goes back: what terminals do. */
const work = 'seq 200; clear; seq 40; tput cup 5 9; seq 9; echo > worked\n';

/** Every frame that was compared; of some an image was still on its way. */
function expectSame({ screen, prints }: Watched): void {
  expect(screen.strange).toEqual(new Set());
  for (const [shown, again] of prints) expect(again ?? shown).toBe(shown);
}

function greenIsSeen(watched: Watched): Promise<void> {
  return watched.until(() => watched.screen.colourAt(700, 500) === desktopGreen);
}

/** xrdp says so: its picture may come as something else than PNG. */
function desktopIsThere(watched: Watched): Promise<void> {
  const connected = 'VNC connection complete';
  return watched.until(() => windows.homeFile('xrdp.log')?.includes(connected) === true);
}

describe.runIf(asRoot)('the screen, drawn again from what the gateway knows, is the same', () => {
  test.each([
    ['vnc', () => desktop, {}, greenIsSeen],
    ['rdp', () => windows, { username: 'ada', 'ignore-cert': 'true', security: 'any' }, desktopIsThere],
  ] as const)('of a desktop over %s', async (protocol, of, more, ready) => {
    const { port, host: hostname, password, home, homeFile } = of();
    const target = { hostname, port: String(port), password, 'color-depth': '24' };
    const { watched, type } = await open(protocol, { ...target, ...more });
    await ready(watched);
    type(work);
    await fileHolds({ home, homeFile }, 'worked', '\n', 30_000);
    await watched.until(() => watched.compared > 1);
    expectSame(watched);
  });

  test('of a terminal', async () => {
    const { host: hostname, port, username, password } = telnet;
    const { watched, type } = await open('telnet', { hostname, port: String(port), username, password });
    await watched.until(() => telnet.homeFile('logged-in') !== null);
    type(work);
    await fileHolds(telnet, 'worked', '\n', 30_000);
    await watched.until(() => watched.compared > 1);
    expectSame(watched);
  });
});
