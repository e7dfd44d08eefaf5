import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configuredGuacd } from '../../../scripts/process/guacd.ts';
import type { Guacd } from '../../../scripts/process/guacd.ts';
import { startTestGuacd } from '../../fixtures/guacd.ts';

let guacd: Guacd;

beforeAll(async () => {
  guacd = await startTestGuacd();
});
afterAll(() => guacd.stop());

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test.each(['ssh', 'telnet', 'vnc'])('answers the handshake for %s', async (protocol) => {
  const socket = await opened(guacd.port);
  socket.write(`6.select,${protocol.length}.${protocol};`);
  const [answer] = await once(socket, 'data');
  socket.destroy();
  expect(String(answer)).toMatch(/^4\.args,13\.VERSION_1_\d_0,8\.hostname,/);
});

test('a second start needs no download and takes another port', async () => {
  const said: string[] = [];
  const other = await startTestGuacd({ log: (line) => said.push(line) });
  expect(other.port).not.toBe(guacd.port);
  expect(said).toEqual([]);
  await other.stop();
  expect((await other.exited).signal).toBe('SIGTERM');
});

test('a port that is taken is named', async () => {
  await expect(startTestGuacd({ port: guacd.port })).rejects.toThrow(`cannot listen on port ${guacd.port}`);
});

test('dies with a parent that is killed', async () => {
  const module = new URL('../../fixtures/guacd.ts', import.meta.url).href;
  const script = `
    const { startTestGuacd } = await import(${JSON.stringify(module)});
    console.log((await startTestGuacd()).port);
    setInterval(() => undefined, 1e9);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(createInterface({ input: parent.stdout }), 'line');
  const socket = (await opened(Number(port))).on('error', () => undefined).resume();
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  parent.kill('SIGKILL');
  await closed; // guacd closes an idle connection only after 15 s
});

test.runIf(process.getuid?.() === 0)('does not run as root', () => {
  expect(statSync(`/proc/${guacd.pid}`).uid).not.toBe(0);
});

test('a guacd elsewhere is taken from the environment, and a wrong port is named', () => {
  expect(configuredGuacd({})).toBeNull();
  expect(configuredGuacd({ GUACD_HOST: 'guacd.internal' })).toEqual({ host: 'guacd.internal', port: 4822 });
  expect(() => configuredGuacd({ GUACD_HOST: 'x', GUACD_PORT: '70000' })).toThrow(/GUACD_PORT/);
});
