// Recordings of sessions that guacd leads itself: real telnetd, Xvnc and xrdp.
import { once } from 'node:events';
import { watch } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../../protocol/bytes.ts';
import { DrawnScreen } from '../../fakes/drawn-screen.ts';
import { fileHolds } from '../../fakes/terminal.ts';
import { startDesktop, startRdpTarget, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { RecordedHouse } from '../../fixtures/recorded-house.ts';
import { startTelnetTarget, type TelnetTarget } from '../../fixtures/telnet-target.ts';

const asRoot = process.getuid?.() === 0;
const everything = {
  ...{ sessionRecording: true, terminalPicture: 'guacd', typescriptRecording: true },
  recordingIncludeKeys: true,
};

describe.runIf(asRoot)('a recorded session', () => {
  let house: RecordedHouse;
  let telnet: TelnetTarget;
  let desktop: DesktopTarget;
  let windows: DesktopTarget;
  beforeAll(async () => {
    [house, telnet, desktop, windows] = await Promise.all([
      ...([RecordedHouse.start(), startTelnetTarget(), startDesktop(), startRdpTarget()] as const),
    ]);
  });
  afterAll(() => Promise.all([house?.stop(), telnet?.stop(), desktop?.stop(), windows?.stop()]));
  afterEach(() => house.killGateway());

  async function loggedIn(): Promise<void> {
    const watcher = watch(telnet.home);
    const signal = AbortSignal.timeout(60_000);
    while (telnet.homeFile('logged-in') === null) await once(watcher, 'change', { signal });
    watcher.close();
  }

  test('over telnet has its picture, its text and its keys, and nothing of the login', async () => {
    await house.startGateway();
    const { host, port, username, password } = telnet;
    const connection = { protocol: 'telnet' };
    const machine = await house.putMachine(everything, { host, port, username, password, connection });
    const { started, terminal } = await house.connect(machine);
    expect(started.recording).toMatchObject({ graphical: true, text: true, keys: true });
    await loggedIn();
    terminal.type('echo seen-$((40+2)) | tee recorded\n');
    await fileHolds(telnet, 'recorded', 'seen-42\n');
    terminal.type("stty -echo; printf 'Password: '; echo yes > asked; read -r x; stty echo; echo $x > got\n");
    await fileHolds(telnet, 'asked', 'yes\n');
    terminal.type('hunter2\n');
    await fileHolds(telnet, 'got', 'hunter2\n');
    terminal.type('exit\n');
    await terminal.control('ended');
    const recording = await house.closedRecording(machine);
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closed: 0, closing: { reason: 'closed' } });
    expect(content.get('output')).toContain('seen-42');
    expect(content.get('output')).not.toContain('\xff');
    expect((content.get('resize') ?? '').length % 4).toBe(0);
    expect(content.get('resize')).toBeTruthy();
    const keys = content.get('keys') ?? '';
    expect(keys).toMatch(/^echo seen-\$\(\(40\+2\)\) \| tee recorded\r/);
    expect(keys).not.toContain(telnet.password);
    expect([...content.values()].join('')).not.toContain('hunter2');
    expect(content.get('picture')).toMatch(/3\.img,.*4\.sync,/s);
  });

  test.each([
    ['vnc', () => desktop, {}],
    ['rdp', () => windows, { ignoreCert: true, security: 'any' }],
  ] as const)('over %s replays to the picture that the person saw last', async (protocol, of, more) => {
    await house.startGateway();
    const { host, port, password } = of();
    const target = { host, port, username: 'ada', password, connection: { protocol, ...more } };
    const machine = await house.putMachine(everything, target);
    const pieces: Uint8Array[] = [];
    const { started, terminal } = await house.connect(machine, (bytes) => pieces.push(bytes.slice()));
    expect(started.recording).toMatchObject({ graphical: true, text: false, keys: false });
    const before = terminal.count('sync');
    terminal.send('mouse', 300, 200, 1);
    terminal.send('mouse', 300, 200, 0);
    terminal.type('\n\nls\n');
    await terminal.until(() => terminal.count('sync') > before);
    terminal.end();
    await terminal.over;
    const recording = await house.closedRecording(machine);
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closed: 0 });
    const last = picturesOf(concat(...pieces)).at(-1);
    expect(picturesOf(Buffer.from(content.get('picture') ?? '', 'latin1'))).toContain(last);
  });
});

/** The picture at the end of each frame. */
function picturesOf(bytes: Uint8Array): string[] {
  const screen = new DrawnScreen();
  const pictures: string[] = [];
  screen.onSync = () => pictures.push(screen.picture);
  screen.draw(bytes);
  return pictures;
}
