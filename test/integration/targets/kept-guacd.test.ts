import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { guacdFolder } from '../../../scripts/process/guacd.ts';
import { keepGuacd } from '../../../scripts/process/kept-guacd.ts';
import { statSync } from 'node:fs';

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

test('a guacd that is killed comes back on its port, and a stop is final', { timeout: 30_000 }, async () => {
  const restarted = Promise.withResolvers<void>();
  let listening = 0;
  const line = (text: string): void => {
    if (text.includes('Listening on host') && ++listening === 2) restarted.resolve();
  };
  const guacd = await keepGuacd({ folder: guacdFolder, line });
  const first = guacd.pid();
  process.kill(first, 'SIGKILL');
  await restarted.promise;
  while (!(await accepts(guacd.port))) expect(guacd.pid()).toBeGreaterThan(0); // it says so a moment before it listens
  await guacd.stop();
  expect(listening).toBe(2);
});

test.runIf(process.getuid?.() === 0)('guacd does not run as root', async () => {
  const guacd = await keepGuacd({ folder: guacdFolder });
  try {
    expect(statSync(`/proc/${guacd.pid()}`).uid).not.toBe(0);
  } finally {
    await guacd.stop();
  }
});
