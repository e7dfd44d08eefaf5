// npm run bench -- vault [COUNT …]: unlock, search, first sync, delta sync and memory of vaults of 1,000, 10,000 and
// 50,000 records in real Chromium on a real server; decrypting as many records one by one through WebCrypto is the limit
// that they are held against, in the same run.
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright';
import { openLogFile } from '../../scripts/process/log-file.ts';
import { chromiumLaunch } from '../chromium.ts';
import { median, row } from './figures.ts';
import { provideFilledData, serve } from './vault/filled-data.ts';
import { measureMemory } from './vault/memory.ts';
import { OtherDevice } from './vault/other-device.ts';
import { measurePeer } from './vault/peer-sdk.ts';
import { PersonAtWork } from './vault/person-at-work.ts';
import { measureOneByOne } from './vault/webcrypto-limit.ts';

const counts = process.argv.slice(2).map(Number);
const sizes = counts.length > 0 ? counts : [1_000, 10_000, 50_000];
const rounds = 3;
const goals = { unlock: 100, keystroke: 16, firstSync: 0.2 };

interface Summary {
  readonly count: number;
  readonly unlock: number;
  readonly keystroke: number;
  readonly firstSync: number;
  readonly limit: number;
}

// Frames as fast as they can be drawn: at 60 a second every figure would be a multiple of 17 ms.
const args = [...chromiumLaunch.args, '--disable-gpu-vsync', '--disable-frame-rate-limit'];
const browser = await chromium.launch({ ...chromiumLaunch, args });
const summaries: Summary[] = [];
try {
  for (const count of sizes) summaries.push(await measure(browser, count));
} finally {
  await browser.close();
}
printGrowth(summaries);

async function measure(on: Browser, count: number): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-vault-bench-'));
  const log = openLogFile(join(folder, 'logs/server.log'));
  try {
    await provideFilledData(count, join(folder, 'data'), log);
    const server = await serve(join(folder, 'data'), log);
    try {
      return await measureOn(on, server.url, count);
    } finally {
      await server.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureOn(on: Browser, url: string, count: number): Promise<Summary> {
  console.log(`\n${count} records (load ${loadavg()[0]?.toFixed(1)})`);
  const person = await PersonAtWork.enter(on, url, count);
  const firstSyncs = [person.firstSync];
  for (let round = 1; round < rounds; round++) {
    const another = await PersonAtWork.enter(on, url, count);
    firstSyncs.push(another.firstSync);
    await another.leave();
  }
  try {
    const sync = firstSyncs.map(({ sync }) => sync);
    print('first sync on a new browser', sync, goals.firstSync * Math.max(count, 10_000));
    print(
      '  sign-in to full list',
      firstSyncs.map(({ listed }) => listed),
    );
    const unlocks = await person.unlock(5);
    const beyond = unlocks.map(({ total, localKey }) => total - localKey);
    print('unlock to usable list, beyond Argon2id', beyond, goals.unlock);
    print(
      '  Argon2id alone',
      unlocks.map(({ localKey }) => localKey),
    );
    const keys = await person.search(count);
    print(
      'search: key to painted result',
      keys.map(({ painted }) => painted),
      goals.keystroke,
    );
    print(
      '  key to the worker’s answer',
      keys.map(({ answered }) => answered),
    );
    const device = await OtherDevice.signIn(url);
    const deltas = await device.changeWhile(person, 100, rounds).finally(() => device.leave());
    print(
      'delta sync of 100 changes',
      deltas.map(({ sync }) => sync),
    );
    print(
      '  change sent elsewhere to painted here',
      deltas.map(({ painted }) => painted),
    );
    console.log(await measureMemory(person.page));
    const limits = await oneByOne(person, device.sizes);
    print('limit: the same one by one through WebCrypto', limits);
    const limit = median(limits);
    const firstSync = median(sync);
    console.log(`  first sync takes ${(firstSync / limit).toFixed(2)} of the limit`);
    const peer = await measurePeer(on, url, device.sizes, rounds);
    print('peer: Keeper’s secrets manager SDK opens as many', peer);
    console.log(
      `  of that our unlock beyond Argon2id takes ${(median(beyond) / median(peer)).toFixed(2)}, ` +
        `our first sync ${(firstSync / median(peer)).toFixed(2)}`,
    );
    return {
      count,
      unlock: median(beyond),
      keystroke: median(keys.map(({ painted }) => painted)),
      firstSync,
      limit,
    };
  } finally {
    await person.leave();
  }
}

async function oneByOne({ page }: PersonAtWork, sizes: readonly number[]): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await measureOneByOne(page, sizes));
  return times;
}

function print(title: string, values: readonly number[], goal?: number): void {
  const verdict = goal === undefined ? '' : `   goal ${goal}: ${median(values) <= goal ? 'met' : 'MISSED'}`;
  console.log(row(title, values) + verdict);
}

/** How each figure grows with the vault: 1.0 is linear, 0 is flat. */
function printGrowth(all: readonly Summary[]): void {
  for (const [at, larger] of all.entries()) {
    const smaller = all[at - 1];
    if (smaller === undefined) continue;
    const exponent = (of: 'unlock' | 'keystroke' | 'firstSync') =>
      (Math.log(larger[of] / smaller[of]) / Math.log(larger.count / smaller.count)).toFixed(2);
    console.log(
      `growth from ${smaller.count} to ${larger.count} (1 is linear): unlock ${exponent('unlock')}, ` +
        `keystroke ${exponent('keystroke')}, first sync ${exponent('firstSync')}`,
    );
  }
}
