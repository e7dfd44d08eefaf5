import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../../scripts/process');
const module = (name: string): string => JSON.stringify(pathToFileURL(join(folder, name)).href);

/** A command of its own process; `work` sees `parts`, `signal`, `progress`, `untilStopped` and `startOwnedChild`. */
function start(work: string): {
  up: Promise<unknown>;
  interrupt: () => void;
  end: Promise<{ code: number; lines: string[] }>;
} {
  const source = `
    import { runCommand, untilStopped } from ${module('command.ts')};
    import { startOwnedChild } from ${module('owned-child.ts')};
    await runCommand(async ({ parts, signal, progress }) => { ${work} });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  const end = once(child, 'close').then(([code]) => ({ code: Number(code), lines: lines.map(withoutTime) }));
  return {
    up: once(createInterface({ input: child.stdout }), 'line'),
    interrupt: () => child.kill('SIGINT'),
    end,
  };
}

function withoutTime(line: string): string {
  return line.replace(/^\[ *[\d.]+ s\] /, '');
}

test('what a command started stops in reverse order, once, however often it is asked', async () => {
  const { up, interrupt, end } = start(`
    parts.defer(() => console.log('first stopped'));
    parts.defer(() => console.log('second stopped'));
    const timer = setInterval(() => undefined, 1000);
    parts.defer(() => clearInterval(timer));
    console.log('up');
    await untilStopped(signal, []);
    return 0;`);
  await up;
  interrupt();
  interrupt();
  expect(await end).toEqual({
    code: 0,
    lines: ['up', 'stopping (SIGINT)', 'second stopped', 'first stopped'],
  });
});

test('a failure stops what was started and is told with its causes, without a stack', async () => {
  const { end } = start(`
    parts.defer(() => console.log('stopped'));
    throw new Error('outer', { cause: new Error('inner') });`);
  expect(await end).toEqual({
    code: 1,
    lines: expect.arrayContaining(['stopped', 'error: outer', '  because: inner']),
  });
});

test('a part that ends by itself ends the command with its name', async () => {
  const { end } = start(`
    const child = await startOwnedChild({ name: 'part', command: [process.execPath, '-e', ''] });
    await untilStopped(signal, [child]);
    return 0;`);
  expect(await end).toEqual({ code: 1, lines: [expect.stringContaining('error: part has ended by itself')] });
});

test('a child that does not listen is killed when its time is up', async () => {
  const { end } = start(`
    const deaf = 'process.on("SIGTERM", () => undefined); setInterval(() => undefined, 1e9); console.log("deaf")';
    let ready;
    const heard = new Promise((resolve) => (ready = resolve));
    const command = [process.execPath, '-e', deaf];
    const child = await startOwnedChild({ name: 'deaf', command, line: ready, stopMilliseconds: 50 });
    await heard;
    await child.stop();
    console.log((await child.exited).signal);
    return 0;`);
  expect(await end).toEqual({ code: 0, lines: ['SIGKILL'] });
});

test('a program that is not there is named', async () => {
  const { end } = start(`
    await startOwnedChild({ name: 'nobody', command: ['/nowhere/program'], line: console.log }).then((child) => child.drained)
      .then(({ code }) => console.log('code', code));
    return 0;`);
  const { lines } = await end;
  expect(lines.join('\n')).toMatch(/\/nowhere\/program/);
});
