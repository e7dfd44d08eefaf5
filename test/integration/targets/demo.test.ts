import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { removeAccount } from '../../../scripts/demo/account.ts';
import { createVaultEngine } from '../../../workers/engine/engine.ts';
import { plainEnvironment } from '../../../workers/plain-environment.ts';

const door = join(import.meta.dirname, '../../../scripts/run.mjs');

type Demo = { child: ChildProcess; url: string; email: string; password: string; said: Promise<string> };

describe.runIf(process.getuid?.() === 0)('npm run demo', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
    chmodSync(folder, 0o711); // its target's account has its home in it
  });

  afterAll(async () => {
    const accounts = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`:${folder}/`));
    for (const line of accounts) await removeAccount(line.slice(0, line.indexOf(':')));
    rmSync(folder, { recursive: true });
  });

  async function start(): Promise<Demo> {
    const child = spawn(process.execPath, [door, 'demo', '--json', '--port', '0', '--data', folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = text(child.stderr);
    const ended = said.then((words) => Promise.reject(new Error(`the demo did not start:\n${words}`)));
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
    return { child, said, ...(JSON.parse(String(line)) as Pick<Demo, 'url' | 'email' | 'password'>) };
  }

  async function stop({ child, said }: Demo): Promise<string> {
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    return said;
  }

  /** What a person sees who signs in. */
  async function visit({ url, email, password }: Demo): Promise<{ records: string[]; gateways: string[] }> {
    const engine = createVaultEngine(plainEnvironment(url));
    try {
      await engine.signIn({ email, password });
      const records = await engine.listRecords({ types: ['pamMachine'] });
      const gateways = await engine.listGateways();
      return {
        records: records.map(({ title, connectable }) => `${title} ${connectable}`),
        gateways: gateways.map(({ name, status }) => `${name} ${status}`),
      };
    } finally {
      await engine.close();
    }
  }

  /** Processes that were started for this folder and still run. */
  function running(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readOr(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
      .filter((command) => command.includes(folder) && !command.includes('vitest'));
  }

  function readOr(file: string): string {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return ''; // it has ended
    }
  }

  const expected = {
    records: ['Demo machine true', 'Demo machine, by key true'],
    gateways: ['Demo gateway online'],
  };

  test('makes one organisation, stops in order, and goes on with it', { timeout: 240_000 }, async () => {
    const first = await start();
    expect(await visit(first)).toEqual(expected);
    const said = await stop(first);
    expect(said.indexOf('gateway stopped')).toBeLessThan(said.indexOf('server stopped'));
    expect(running()).toEqual([]);
    const second = await start();
    const { url, email, password } = first;
    expect(second).toMatchObject({ url, email, password });
    expect(await visit(second)).toEqual(expected);
    await stop(second);
  });

  test('leaves nothing running when its door is killed', async () => {
    const demo = await start();
    demo.child.kill('SIGKILL');
    await demo.said; // its standard error closes with the last of them
    expect(running()).toEqual([]);
  });
});
