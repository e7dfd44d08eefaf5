// Sound of desktops: what is played at a real xrdp, and on a real PulseAudio beside a real VNC server, comes by guacd.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGuacdSession, type GuacdSession } from '../../../gateway/targets/guacd-session.ts';
import type { GuacdSettings } from '../../../gateway/targets/parameters.ts';
import type { RdpSettings } from '../../../protocol/records/session-settings.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { limits } from '../../../protocol/limits.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { startDesktop, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startRdpChannels } from '../../fixtures/rdp-channels.ts';
import { Ear, startSoundServer, tone } from '../../fixtures/sound.ts';

const asRoot = process.getuid?.() === 0;
const rdp: RdpSettings = {
  ...{ protocol: 'rdp', security: 'any', ignoreCert: true, disableAuth: false, loadBalanceInfo: '' },
  ...{ preconnectionId: null, preconnectionBlob: '', disableAudio: false, enableFullWindowDrag: false },
  ...{ enableWallpaper: false, resizes: false, drive: null },
};
let guacd: GuacdPool;
const stopping: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  if (asRoot) guacd = await startTestGuacdPool();
});
afterAll(() => guacd?.stop());
afterEach(async () => {
  for (const stop of stopping.splice(0).reverse()) await stop();
});

/** With what is recorded of it: instructions by their opcodes, and the indices of streams that got data. */
async function open(target: DesktopTarget, settings: GuacdSettings) {
  const recorded: string[] = [];
  const decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  const session: GuacdSession = await openGuacdSession({
    ...{ target, settings, terminal: {} },
    credential: { username: 'ada', password: target.password },
    display: { width: 800, height: 600, dpi: 96 },
    guacd: guacd.place,
    policy: { disableCopy: false, disablePaste: false },
    signal: new AbortController().signal,
    recorder: {
      begins: () => {},
      shows: (instructions) => {
        for (const bytes of instructions)
          for (const { opcode } of decoder.decode(Uint8Array.from(bytes))) recorded.push(opcode);
      },
    },
  });
  stopping.push(() => session.close());
  const ear = new Ear();
  await session.attach(ear.listen);
  return { session, ear, recorded };
}

describe.runIf(asRoot)('what is played at the machine is heard', () => {
  test('over RDP, and by who comes later; it is not recorded', async () => {
    const windows = await startRdpChannels();
    stopping.push(windows.stop);
    const { session, ear, recorded } = await open(windows.target, rdp);
    await windows.untilSound();
    const playing = windows.play(tone(440, 4));
    expect(await ear.pitch(1)).toBeCloseTo(440, -1);
    await playing;
    const later = new Ear();
    await session.attach(later.listen);
    const again = windows.play(tone(880, 4));
    expect(await later.pitch(1)).toBeCloseTo(880, -1);
    await again;
    expect(recorded).toContain('img');
    expect(recorded).not.toContain('audio');
    expect(recorded.filter((opcode) => opcode === 'blob').length).toBeLessThan(ear.blobs);
  });

  test('over RDP, and not sent to a page that is muted, whoever of it looks on then; then again', async () => {
    const windows = await startRdpChannels();
    stopping.push(windows.stop);
    const { session, ear } = await open(windows.target, rdp);
    await windows.untilSound();
    session.hear(false);
    await windows.play(tone(440, 2));
    const later = new Ear();
    await session.attach(later.listen);
    await windows.play(tone(440, 2));
    expect([ear.blobs, later.blobs]).toEqual([0, 0]);
    session.hear(true);
    const playing = windows.play(tone(880, 4));
    // What of the former tone is still on its way to guacd may be the beginning.
    expect(await later.pitch(1)).toBeGreaterThan(700);
    await playing;
  });

  test('not over RDP without sound', async () => {
    const windows = await startRdpChannels();
    stopping.push(windows.stop);
    const { ear, recorded } = await open(windows.target, { ...rdp, disableAudio: true });
    await expect.poll(() => recorded).toContain('img');
    expect(ear.rate).toBe(0);
  });

  test('over VNC, from the sound server that the record names', async () => {
    const [desktop, sound] = await Promise.all([startDesktop(), startSoundServer()]);
    stopping.push(desktop.stop, sound.stop);
    const settings = { protocol: 'vnc', destHost: '', destPort: null, audioServer: sound.name } as const;
    const { ear } = await open(desktop, settings);
    await expect.poll(() => ear.rate).toBe(44_100);
    const playing = sound.play(tone(440, 4));
    expect(await ear.pitch(1)).toBeCloseTo(440, -1);
    await playing;
  });
});
