// Recordings on a disk that is really full: a small one in memory, of this test alone.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileHolds } from '../../fakes/terminal.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { RecordedHouse } from '../../fixtures/recorded-house.ts';
import { mountSmallDisk } from '../../fixtures/small-disk.ts';

const disk = mountSmallDisk(2);

describe.runIf(disk.mounted)('while the disk of a gateway is full', () => {
  let house: RecordedHouse;
  beforeAll(async () => void (house = await RecordedHouse.start()));
  afterAll(async () => {
    await house?.stop();
    disk.remove();
  });

  test('what must be recorded ends and does not begin, the rest goes on and says so; then all is well again', async () => {
    const folder = join(disk.folder, 'spool');
    mkdirSync(folder, { mode: 0o700 });
    await house.startGateway({ SALLYPORT_GATEWAY_RECORDINGS: folder });
    const required = await house.putMachine({ typescriptRecording: true });
    const lenient = await house.putMachine({ typescriptRecording: true, recordingPolicy: 'best-effort' });
    const strict = await house.connect(required);
    const open = await house.connect(lenient);
    disk.fill();
    strict.terminal.type('echo lost-$((40+2))\n');
    open.terminal.type('echo lost-$((40+2))\n');
    expect((await strict.terminal.control('ended')).body.value).toMatchObject({ code: 'recording-failed' });
    await open.terminal.control('recordingStopped');
    open.terminal.type('echo on > goes-on\n');
    await fileHolds(house.sshd, 'goes-on', 'on\n');
    expect(await codeOf(house.connect(required))).toBe('refused');
    const unrecorded = await house.connect(lenient);
    expect(unrecorded.started.recording).toMatchObject({ text: true, failed: true });
    for (const { terminal } of [open, unrecorded]) {
      terminal.end();
      await terminal.over;
    }
    expect(house.gatewayLog).toContain('ENOSPC');
    disk.empty();
    const recording = await house.closedRecording(required);
    const [verdict] = await house.judge(recording, await house.keyOf(recording.opening));
    expect(verdict).toMatchObject({ faults: [], closed: 0, closing: { reason: 'recording-failed' } });
    const { terminal } = await house.connect(required);
    terminal.type('exit\n');
    await terminal.control('ended');
    await expect.poll(async () => (await house.recordingsOf(required)).length, { timeout: 30_000 }).toBe(2);
  });
});
