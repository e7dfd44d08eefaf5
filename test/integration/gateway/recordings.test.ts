import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RecordedHouse } from '../../fixtures/recorded-house.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { TerminalScreen } from '../../../web/recordings/terminal/terminal-screen.ts';
import { fileHolds } from '../../fakes/terminal.ts';

const asRoot = process.getuid?.() === 0;
const everything = {
  ...{ sessionRecording: true, terminalPicture: 'guacd', typescriptRecording: true },
  recordingIncludeKeys: true,
};

describe.runIf(asRoot)('a recorded session', () => {
  let house: RecordedHouse;
  beforeAll(async () => void (house = await RecordedHouse.start()));
  afterAll(() => house?.stop());
  afterEach(() => house.killGateway());

  test('comes sealed to the server, and opens for who has the record’s key', async () => {
    await house.startGateway();
    const machine = await house.putMachine(everything);
    const { started, terminal } = await house.connect(machine);
    expect(started.recording).toMatchObject({ graphical: true, text: true, keys: true, failed: false });
    terminal.type('echo seen-$((40+2)) | tee recorded\n');
    await fileHolds(house.sshd, 'recorded', 'seen-42\n');
    terminal.type('exit\n');
    await terminal.control('ended');
    const recording = await house.closedRecording(machine);
    const [unopened] = await house.judge(recording, null);
    expect(unopened).toMatchObject({ faults: [], closing: { reason: 'closed' } });
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closed: 0 });
    expect(content.get('output')).toContain('seen-42');
    expect(content.get('keys')).toContain('echo seen-$((40+2)) | tee recorded\r');
    expect(content.get('picture')).toMatch(/3\.img,.*4\.sync,/s);
    const stored = await house.everythingInflatedIn(house.server.config.dataFolder, house.spool);
    for (const text of ['seen-42', '4.sync,', 'tee recorded']) expect(stored).not.toContain(text);
    expect(readdirSync(house.spool)).toEqual([]);
  });

  test('is not made where the record does not ask for it', async () => {
    await house.startGateway();
    const machine = await house.putMachine({});
    const { started, terminal } = await house.connect(machine);
    expect(started.recording).toBeNull();
    terminal.end();
    await terminal.over;
    expect(await house.recordingsOf(machine)).toEqual([]);
  });

  test('the picture of a terminal is drawn from its text, and so its recording is none of pictures', async () => {
    await house.startGateway();
    const machine = await house.putMachine({ sessionRecording: true });
    const { started, terminal } = await house.connect(machine);
    expect(started.recording).toMatchObject({ graphical: false, text: true, keys: false });
    // Its own end comes behind all that it wrote; a shell that is left would say so beside it.
    terminal.type("clear; printf '\\033[3;5H\\033[42mgreen-%s\\033[0m' $((40+2)); exec true\n");
    await terminal.control('ended');
    const recording = await house.closedRecording(machine);
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closed: 0 });
    expect([...content.keys()].sort()).toEqual(['output', 'resize']);
    const size = new DataView(Uint8Array.from(Buffer.from(content.get('resize') ?? '', 'latin1')).buffer);
    const screen = new TerminalScreen();
    screen.resize({ columns: size.getUint16(0), rows: size.getUint16(2) });
    screen.write(Buffer.from(content.get('output') ?? '', 'latin1'));
    const { lines } = await screen.frame();
    expect(lines[2]).toMatchObject([{ x: 4, text: 'green-42', ground: 0x3e993e }]);
  });

  test('a secret that is typed where one is asked for is in no track of keys', async () => {
    await house.startGateway();
    const machine = await house.putMachine({ typescriptRecording: true, recordingIncludeKeys: true });
    const { terminal } = await house.connect(machine);
    terminal.type(
      "stty -echo; printf 'Password: '; echo yes > asked; read -r x; stty echo; echo $x | wc -c > length\n",
    );
    await fileHolds(house.sshd, 'asked', 'yes\n');
    terminal.type('hunter2\n');
    await fileHolds(house.sshd, 'length', '8\n');
    terminal.type('exit\n');
    await terminal.control('ended');
    const recording = await house.closedRecording(machine);
    const [, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(content.has('withheld')).toBe(true);
    expect(content.get('keys')).toContain('wc -c > length\r');
    expect([...content.values()].join('')).not.toContain('hunter2');
  });

  test('of a gateway that is killed, what was stored is closed by the next run, as interrupted', async () => {
    await house.startGateway();
    const machine = await house.putMachine({ typescriptRecording: true });
    const { terminal } = await house.connect(machine);
    terminal.type('echo before-the-$((40+2))\n');
    const output = async () => {
      const [stored] = await house.recordingsOf(machine);
      if (!stored || stored.chunkCount === 0) return '';
      const [, content] = await house.judge(stored, await house.keyOf(stored.opening));
      return content.get('output') ?? '';
    };
    await expect.poll(output, { timeout: 30_000 }).toContain('before-the-42');
    await house.killGateway();
    await house.startGateway();
    const recording = await house.closedRecording(machine);
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closed: 0, closing: { reason: 'interrupted' } });
    expect(content.get('output')).toContain('before-the-42');
    await expect.poll(() => readdirSync(house.spool)).toEqual([]);
  });

  test('waits sealed while the server is away, also over a restart, and comes when it is back', async () => {
    await house.startGateway();
    const machine = await house.putMachine({ typescriptRecording: true });
    const { terminal } = await house.connect(machine);
    await expect.poll(async () => (await house.recordingsOf(machine)).length).toBe(1);
    const startAgain = await house.server.pause();
    terminal.type('echo while-away > away; cat away; exit\n');
    await fileHolds(house.sshd, 'away', 'while-away\n');
    const closings = () => readdirSync(house.spool, { recursive: true }).map(String);
    await expect.poll(closings, { timeout: 20_000 }).toContainEqual(expect.stringMatching(/closing$/));
    expect(await house.everythingInflatedIn(house.spool)).not.toContain('while-away');
    await house.killGateway();
    house.server = await startAgain();
    await house.startGateway();
    const recording = await house.closedRecording(machine);
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closed: 0, closing: { reason: 'closed' } });
    expect(content.get('output')).toContain('while-away');
  });

  test('a disk that fails ends a session that must be recorded, and lets another go on, which is told', async () => {
    await house.startGateway();
    const breakDisk = () => {
      for (const session of readdirSync(house.spool)) {
        rmSync(join(house.spool, session), { recursive: true });
        writeFileSync(join(house.spool, session), 'a file where a folder was');
      }
    };
    const required = await house.connect(await house.putMachine({ sessionRecording: true }));
    breakDisk();
    required.terminal.type('echo lost\n');
    const { body } = await required.terminal.control('ended');
    expect(body.value).toMatchObject({ code: 'recording-failed' });
    const lenient = { sessionRecording: true, recordingPolicy: 'best-effort' };
    const { terminal } = await house.connect(await house.putMachine(lenient));
    breakDisk();
    await terminal.control('recordingStopped');
    terminal.type('echo on > goes-on\n');
    await fileHolds(house.sshd, 'goes-on', 'on\n');
    terminal.end();
    await terminal.over;
    expect(house.gatewayLog).toContain('recording failed');
    rmSync(house.spool, { recursive: true });
  });

  test('without a place for it there is no session, or one that says that it is not recorded', async () => {
    await house.startGateway({
      SALLYPORT_GATEWAY_RECORDINGS: join(house.folder, 'gateway.json', 'no-folder'),
    });
    const required = await house.putMachine({ typescriptRecording: true });
    expect(await codeOf(house.connect(required))).toBe('refused');
    const lenient = await house.putMachine({ typescriptRecording: true, recordingPolicy: 'best-effort' });
    const { started, terminal } = await house.connect(lenient);
    expect(started.recording).toMatchObject({ text: true, failed: true });
    terminal.end();
    await terminal.over;
    expect(await house.recordingsOf(required)).toEqual([]);
  });
});
