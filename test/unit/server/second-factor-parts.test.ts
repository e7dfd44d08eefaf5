import { describe, expect, test } from 'vitest';
import { relyingPartyOf } from '../../../server/login/webauthn.ts';
import { PendingTable } from '../../../server/login/pending-table.ts';
import { totpCode, totpStepOf } from '../../../server/login/totp.ts';
import { News } from '../../../server/devices/news.ts';
import { InProcessHead } from '../../../server/router/head/in-process.ts';
import { newUid } from '../../../protocol/uid.ts';

describe('codes of an authenticator app', () => {
  const secret = Buffer.from('12345678901234567890');

  // RFC 6238 appendix B, SHA-1, the last six of its eight digits.
  test.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('at %i seconds are those of RFC 6238', (seconds, code) => {
    const step = Math.floor(seconds / 30);
    expect(totpCode(secret, step)).toBe(code);
    expect(totpStepOf(secret, code, seconds * 1000, 0)).toBe(step);
  });

  test('are taken one step early and late, never further, and never again', () => {
    const now = 1_234_567_890_000;
    const step = Math.floor(now / 30_000);
    for (const near of [-1, 0, 1])
      expect(totpStepOf(secret, totpCode(secret, step + near), now, 0)).toBe(step + near);
    for (const far of [-2, 2]) expect(totpStepOf(secret, totpCode(secret, step + far), now, 0)).toBeNull();
    expect(totpStepOf(secret, totpCode(secret, step), now, step)).toBeNull();
    expect(totpStepOf(secret, totpCode(secret, step + 1), now, step)).toBe(step + 1);
    for (const text of ['', '28708', '2870822', '28708a', ' 287082', '２８７０８２'])
      expect(totpStepOf(secret, text, 59_000, 0)).toBeNull();
  });
});

describe('the relying party', () => {
  test.each([
    ['https://vault.example', 'other.example', { id: 'vault.example', origins: ['https://vault.example'] }],
    [
      null,
      'localhost:8443',
      { id: 'localhost', origins: ['https://localhost:8443', 'http://localhost:8443'] },
    ],
    ['https://192.0.2.1', 'vault.example', null],
    [null, '127.0.0.1:8443', null],
    [null, '[::1]:8443', null],
    [null, 'no host at all/', null],
  ])('of the public address %s and the host %s', (publicUrl, host, party) => {
    expect(relyingPartyOf(publicUrl, host)).toEqual(party);
  });
});

test('what is looked at stays until it is taken, and not longer than it lives', () => {
  const table = new PendingTable<string>({ lifetimeMs: 100, most: 2, mostOfCaller: 2 });
  const uid = table.add('login', 'caller', 0);
  expect([table.find(uid, 50), table.find(uid, 99)]).toEqual(['login', 'login']);
  expect(table.find(uid, 100)).toBeNull();
  expect(table.take(uid, 99)).toBe('login');
  expect(table.find(uid, 99)).toBeNull();
});

describe('news of an account', () => {
  const head = new InProcessHead();

  test('that came before anyone waited are not missed, and other messages are none', async () => {
    const accountUid = newUid();
    const news = new News(head, accountUid, new AbortController().signal);
    head.publish(`acct.${accountUid}`, { kind: 'new-data', cursor: 1 });
    expect(await news.next(1)).toBe(false);
    head.publish(`acct.${accountUid}`, { kind: 'account-news' });
    expect(await news.next(60_000)).toBe(true);
    const waiting = news.next(60_000);
    head.publish(`acct.${accountUid}`, { kind: 'account-news' });
    expect(await waiting).toBe(true);
    news.close();
  });

  test('are not waited for by a server that ends', async () => {
    const stopping = new AbortController();
    const news = new News(head, newUid(), stopping.signal);
    const waiting = news.next(60_000);
    stopping.abort();
    expect(await waiting).toBe(false);
    expect(await news.next(60_000)).toBe(false);
    news.close();
  });
});
