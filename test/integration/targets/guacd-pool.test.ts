// One guacd for each session, from start to end.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGuacd, type GuacdConnection } from '../../../gateway/guacd/connection.ts';
import { leaseGuacd, type LeasedGuacd } from '../../../gateway/guacd/lease.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { failureOf } from '../../fixtures/outcome.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';

const { signal } = new AbortController();
let pool: GuacdPool;

/** A target that never says a word: guacd waits for it. */
let silent: Server;
let ownEnd: PromiseWithResolvers<string>;

beforeEach(async () => {
  ownEnd = Promise.withResolvers();
  const line = (text: string): void => void (text.includes('ended by itself') && ownEnd.resolve(text));
  pool = await startTestGuacdPool({ most: 12, line });
  silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterEach(async () => {
  silent.close();
  await pool.stop();
});

const lease = () => leaseGuacd({ pool: pool.path }, 10_000, signal);

function open({ host, port }: LeasedGuacd): Promise<GuacdConnection> {
  return openGuacd({
    ...{ host, port, select: { protocol: 'ssh' }, signal },
    display: { width: 800, height: 600, dpi: 96 },
    parameters: {
      hostname: '127.0.0.1',
      port: String((silent.address() as AddressInfo).port),
      username: 'nobody',
    },
    policy: { disableCopy: false, disablePaste: false },
  });
}

test('each lease has a guacd of its own, which ends with it', async () => {
  const [one, other] = await Promise.all([lease(), lease()]);
  expect(one.port).not.toBe(other.port);
  const connection = await open(one);
  one.release();
  expect((await connection.ended).leg).toBe('guacd');
  await (await open(other)).close();
  other.release();
});

test('the next session gets another one when the one that waits has died', async () => {
  const [waiting = 0] = pool.pids();
  process.kill(waiting, 'SIGKILL');
  expect(await ownEnd.promise).toContain('SIGKILL');
  const leased = await lease();
  await (await open(leased)).close();
  leased.release();
});

test('a killed guacd ends its session and no other', async () => {
  const mine = await lease();
  const [mineToo = 0] = pool.pids();
  const [other, kept] = [await lease(), await open(mine)];
  const going = await open(other);
  process.kill(mineToo, 'SIGKILL');
  expect((await kept.ended).code).toBe('guacd-lost');
  await (await open(other)).close();
  await going.close();
  for (const { release } of [mine, other]) release();
});

test('beyond its bound it gives none, and names guacd', async () => {
  const leased = await Promise.all(Array.from({ length: 12 }, lease));
  const failure = await failureOf(lease());
  expect([failure.leg, failure.code]).toEqual(['guacd', 'guacd-unreachable']);
  for (const { release } of leased) release();
});

test('a stop ends every guacd and takes its socket away', async () => {
  const connection = await open(await lease());
  await pool.stop();
  expect((await connection.ended).leg).toBe('guacd');
  expect(pool.pids()).toEqual([]);
  expect(existsSync(pool.path)).toBe(false);
  expect((await failureOf(lease())).code).toBe('guacd-unreachable');
  pool = await startTestGuacdPool();
});

test('sessions that open while others end get each its own answers', async () => {
  const many = async (): Promise<void> => {
    for (let round = 0; round < 15; round++) {
      const leased = await lease();
      await (await open(leased)).close();
      leased.release();
    }
  };
  await Promise.all(Array.from({ length: 6 }, many));
});
