import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** A small project of its own: the real door, and commands that say what reaches them. */
let root: string;
let children: ChildProcess[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'run-test-'));
  children = [];
  mkdirSync(join(root, 'scripts/commands'), { recursive: true });
  for (const name of ['run.mjs', 'help.mjs', 'node-packages.mjs'])
    cpSync(join(import.meta.dirname, '../../../scripts', name), join(root, 'scripts', name));
  writeJson('package.json', {
    name: 'small',
    version: '1.0.0',
    type: 'module',
    dependencies: { dep: 'file:dep' },
  });
  writeJson('dep/package.json', { name: 'dep', version: '1.0.0' });
  writeJson('package-lock.json', lock('1.0.0'));
  writeJson('node_modules/.package-lock.json', lock('1.0.0'));
});

afterEach(() => {
  children.forEach((child) => child.kill('SIGKILL'));
  rmSync(root, { recursive: true });
});

function lock(version: string): object {
  const packages = { dep: { version }, 'node_modules/dep': { resolved: 'dep', link: true } };
  const own = { name: 'small', version: '1.0.0', dependencies: { dep: 'file:dep' } };
  return {
    name: 'small',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: { '': own, ...packages },
  };
}

function writeJson(name: string, value: object): void {
  mkdirSync(join(root, name, '..'), { recursive: true });
  writeFileSync(join(root, name), JSON.stringify(value));
}

function command(name: string, source: string): void {
  writeFileSync(join(root, 'scripts/commands', `${name}.ts`), source);
}

type Run = { child: ChildProcess; lines: string[]; line: () => Promise<string>; end: Promise<number | null> };

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [join(root, 'scripts/run.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  const out = createInterface({ input: child.stdout });
  const line = async (): Promise<string> => String((await once(out, 'line'))[0]);
  return { child, lines, line, end: once(child, 'close').then(([code]) => code as number | null) };
}

test('without a command, and with --help, it lists the commands', async () => {
  for (const args of [[], ['--help'], ['help']]) {
    const { end, lines } = run(...args);
    expect(await end).toBe(0);
    expect(lines.join('\n')).toMatch(/^ {2}demo +one complete installation/m);
  }
});

test('an unknown command is named and ends with 2, also one that every object has', async () => {
  for (const name of ['nope', 'toString', '../demo']) {
    const { end, lines } = run(name);
    expect(await end).toBe(2);
    expect(lines[0]).toBe(`unknown command: ${name}`);
  }
});

test('help of a command needs no packages', async () => {
  rmSync(join(root, 'node_modules'), { recursive: true });
  const { end, lines } = run('demo', '--help');
  expect(await end).toBe(0);
  expect(lines[0]).toBe('usage: npm run demo [-- OPTIONS]');
  expect(existsSync(join(root, 'node_modules'))).toBe(false);
});

test('the command runs under a Node that strips types, with its arguments, and its exit code is handed on', async () => {
  command('bench', 'const n: number = 7; console.log(process.argv.slice(2).join("+")); process.exit(n)');
  const { end, lines } = run('bench', 'connect', '--runs', '3');
  expect(await end).toBe(7);
  expect(lines).toEqual(['connect+--runs+3']);
});

test(
  'missing or stale packages are installed first, with npm on standard error only',
  { timeout: 60_000 },
  async () => {
    command('bench', 'console.log("ran")');
    writeJson('node_modules/.package-lock.json', lock('0.9.0'));
    const { end, lines, child } = run('bench');
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    expect(await end).toBe(0);
    expect(out).toBe('ran\n');
    expect(lines[0]).toBe('installing node packages (npm ci) …');
    expect(readFileSync(join(root, 'node_modules/dep/package.json'), 'utf8')).toContain('"dep"');
    const again = run('bench');
    expect(await again.end).toBe(0);
    expect(again.lines).toEqual(['ran']);
  },
);

const counting = `
  let count = 0;
  process.on('SIGINT', () => { count++; setTimeout(() => { console.log('signals ' + count); process.exit(5); }, 100); });
  setInterval(() => undefined, 1e9);
  console.log('up');`;

test('a signal is handed on once and the command ends in its own time', async () => {
  command('bench', counting);
  const { child, line, end, lines } = run('bench');
  expect(await line()).toBe('up');
  child.kill('SIGINT');
  child.kill('SIGINT');
  expect(await end).toBe(5);
  expect(lines.at(-1)).toBe('signals 1');
});

test('a command whose door was killed notices', async () => {
  const file = join(root, 'noticed');
  command(
    'bench',
    `import { writeFileSync } from 'node:fs';
     process.on('disconnect', () => { writeFileSync(${JSON.stringify(file)}, ''); console.log('noticed'); });
     console.log('up');`,
  );
  const { child, line, lines, end } = run('bench');
  expect(await line()).toBe('up');
  child.kill('SIGKILL');
  await end; // its output closes with the command's own end
  expect(lines.at(-1)).toBe('noticed');
  expect(existsSync(file)).toBe(true);
});

test('nothing is installed through a link: the packages of the tree that it leads to stay', async () => {
  command('bench', 'console.log("ran")');
  writeJson('node_modules/.package-lock.json', lock('0.9.0'));
  writeJson('node_modules/dep/package.json', { name: 'dep', version: '0.9.0' });
  renameSync(join(root, 'node_modules'), join(root, 'elsewhere'));
  for (const leadsTo of ['elsewhere', 'nowhere']) {
    symlinkSync(join(root, leadsTo), join(root, 'node_modules'));
    const { end, lines } = run('bench');
    expect(await end).toBe(1);
    expect(lines.at(-1)).toContain('node_modules is a symbolic link');
    expect(lstatSync(join(root, 'node_modules')).isSymbolicLink()).toBe(true);
    expect(readdirSync(join(root, 'elsewhere')).sort()).toEqual(['.package-lock.json', 'dep']);
    rmSync(join(root, 'node_modules'));
  }
  expect(existsSync(join(root, 'nowhere'))).toBe(false);
});
