import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { limits } from '../../../protocol/limits.ts';
import { openGuacdSession, type GuacdSession } from '../../../gateway/targets/guacd-session.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { startDesktop, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startBriefTelnet } from './brief-target.ts';
import { BrowserStandIn } from './stand-ins.ts';

const asRoot = process.getuid?.() === 0;

/** Counts what a viewer is shown of the screen itself: pictures on layer 0. */
class Eye {
  pictures = 0;
  #wake: () => void = () => {};
  readonly #decoder = new InstructionDecoder(limits.guacamole.fromGuacd);

  readonly look = (bytes: Uint8Array): boolean => {
    for (const { opcode, args } of this.#decoder.decode(Uint8Array.from(bytes)))
      if (opcode === 'img' && args[2] === '0') this.pictures++;
    this.#wake();
    return true;
  };

  async sees(): Promise<void> {
    while (this.pictures === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

describe.runIf(asRoot)('a desktop through guacd', () => {
  let guacd: GuacdPool;
  let desktop: DesktopTarget;
  const open: GuacdSession[] = [];

  beforeAll(async () => {
    [guacd, desktop] = await Promise.all([startTestGuacdPool(), startDesktop()]);
  });
  afterAll(async () => {
    await Promise.all(open.map((session) => session.close()));
    await Promise.all([guacd?.stop(), desktop?.stop()]);
  });

  async function begin(): Promise<GuacdSession> {
    const session = await openGuacdSession({
      target: desktop,
      settings: { protocol: 'vnc', destHost: '', destPort: null, audioServer: null },
      credential: { password: desktop.password },
      terminal: {},
      display: { width: 800, height: 600, dpi: 96 },
      guacd: { pool: guacd.path },
      policy: { disableCopy: false, disablePaste: false },
      signal: new AbortController().signal,
    });
    open.push(session);
    return session;
  }

  it('is seen by who comes back before its first picture', async () => {
    for (let time = 0; time < 5; time++) {
      const session = await begin();
      session.detach();
      const eye = new Eye();
      await session.attach(eye.look);
      await eye.sees();
      await session.close();
    }
  });

  it('is seen whole by each who comes later, though nothing on it changes', async () => {
    const session = await begin();
    for (let viewer = 0; viewer < 3; viewer++) {
      const eye = new Eye();
      await session.attach(eye.look);
      await eye.sees();
      session.detach();
    }
    expect(open).toContain(session);
  });

  it('is let go of at once: its server has nobody left', async () => {
    const session = await begin();
    const eye = new Eye();
    await session.attach(eye.look);
    await eye.sees();
    await session.close();
    expect((await session.ended).code).toBe('closed');
  });
});

describe('telnet through guacd', () => {
  it('shows the last words of a target that closes behind a flood', async () => {
    const guacd = await startTestGuacdPool();
    const words = `${'word\r\n'.repeat(200_000)}\x1b[48;2;17;34;51m\x1b[2J`;
    const target = await startBriefTelnet(Buffer.from(words));
    try {
      const browser = new BrowserStandIn();
      const session = await openGuacdSession({
        target: { host: '127.0.0.1', port: target.port },
        settings: {
          protocol: 'telnet',
          ...{ usernameRegex: '', passwordRegex: '', loginSuccessRegex: '', loginFailureRegex: '' },
        },
        credential: {},
        terminal: {},
        display: { width: 800, height: 600, dpi: 96 },
        guacd: { pool: guacd.path },
        policy: { disableCopy: false, disablePaste: false },
        signal: new AbortController().signal,
      });
      browser.speakTo(session);
      await session.attach(browser.view);
      expect((await session.ended).code).toBe('closed');
      expect(browser.fills).toContain('17,34,51');
    } finally {
      target.stop();
      await guacd.stop();
    }
  });
});
