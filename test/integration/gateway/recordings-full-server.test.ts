// Recordings while the server's disk is really full: what it took stays, the rest waits at the gateway, and all are told.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileHolds } from '../../fakes/terminal.ts';
import { RecordedHouse } from '../../fixtures/recorded-house.ts';
import { mountSmallDisk } from '../../fixtures/small-disk.ts';

const ofServer = mountSmallDisk(4);
const ofGateway = mountSmallDisk(2);

describe.runIf(ofServer.mounted && ofGateway.mounted)('while the disk of the server is full', () => {
  let house: RecordedHouse;
  beforeAll(async () => {
    const store = { folder: join(ofServer.folder, 'files') };
    house = await RecordedHouse.start({ files: { store, largest: 2 ** 31, quota: 2 ** 32 } });
  });
  afterAll(async () => {
    await house?.stop();
    for (const disk of [ofServer, ofGateway]) disk.remove();
  });

  const fullSince = async () => (await house.engine.readRecordingKeeping(0)).fullSince;
  const gatewayUid = async () => (await house.engine.listGateways())[0]?.uid ?? expect.unreachable();
  const refusalOf = async (connecting: Promise<unknown>) =>
    await connecting.then(
      () => 'connected',
      (error: unknown) => (error instanceof Error ? error.message : ''),
    );

  test('sessions go on into the gateway, new ones that must be recorded do not begin, and all comes when there is room', async () => {
    const spool = join(ofGateway.folder, 'spool');
    mkdirSync(spool, { mode: 0o700 });
    await house.startGateway({ SALLYPORT_GATEWAY_RECORDINGS: spool });
    const required = await house.putMachine({ typescriptRecording: true });
    const lenient = await house.putMachine({ typescriptRecording: true, recordingPolicy: 'best-effort' });
    const { terminal } = await house.connect(required);
    terminal.type('echo before-$((40+2)) | tee before\n');
    await fileHolds(house.sshd, 'before', 'before-42\n');
    const counts = async () => (await house.recordingsOf(required)).map(({ chunkCount }) => chunkCount);
    await expect.poll(async () => (await counts())[0] ?? 0, { timeout: 30_000 }).toBeGreaterThan(0);
    ofServer.fill();
    terminal.type('echo while-$((40+2)) | tee while\n');
    await fileHolds(house.sshd, 'while', 'while-42\n');
    expect((await terminal.control('recordingWaits')).body.value).toMatchObject({ waits: true });
    expect(await fullSince()).toBeGreaterThan(0);
    const info = await house.engine.readGatewayInfo(await gatewayUid());
    expect(info).toMatchObject({ recordingsNoRoom: true, recordingsRefused: 0 });
    expect(await refusalOf(house.connect(required))).toContain('recording-no-room');
    const other = await house.connect(lenient);
    expect(other.started.recording).toMatchObject({ text: true, failed: false, waiting: true });
    other.terminal.type('exit\n');
    await other.terminal.control('ended');
    ofServer.empty();
    await expect
      .poll(
        () =>
          terminal.controls.flatMap(({ body }) => (body.case === 'recordingWaits' ? [body.value.waits] : [])),
        {
          timeout: 60_000,
        },
      )
      .toEqual([true, false]);
    expect(await fullSince()).toBe(null);
    terminal.type('exit\n');
    await terminal.control('ended');
    const recording = await house.closedRecording(required);
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], unreadable: null });
    for (const text of ['before-42', 'while-42']) expect(content.get('output')).toContain(text);
    await house.closedRecording(lenient);
  });

  test('with no room at the gateway either, what must be recorded ends and says why; what was recorded comes later', async () => {
    const required = await house.putMachine({ typescriptRecording: true });
    const { terminal } = await house.connect(required);
    ofServer.fill();
    terminal.type('echo first-$((40+2))\n');
    await terminal.control('recordingWaits');
    ofGateway.fill();
    terminal.type('echo second-$((40+2))\n');
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'recording-no-room' });
    ofGateway.empty();
    ofServer.empty();
    const recording = await house.closedRecording(required);
    const [verdict, content] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closing: { reason: 'recording-failed' } });
    expect(content.get('output')).toContain('first-42');
  });
});
