import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RecordField } from '../../../../protocol/records/content.ts';
import { oneTimeCode } from '../../../../workers/tools/one-time-code.ts';
import { FieldsPage } from './form.ts';

let page: FieldsPage | null = null;
let copied = '';
beforeEach(() => {
  copied = '';
  vi.spyOn(navigator.clipboard, 'writeText').mockImplementation(async (text) => void (copied = text));
});
afterEach(async () => {
  await page?.close();
  page = null;
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function show(...fields: readonly RecordField[]): FieldsPage {
  page = new FieldsPage({ type: 'login', title: 'Wiki', fields }, 'view');
  return page;
}

const rows = () => [...document.querySelectorAll('dt')].map((dt) => dt.textContent);

describe('shown', () => {
  test('is what is filled, in words', () => {
    const text = show(
      { type: 'login', value: ['ada'] },
      { type: 'email', value: [] },
      { type: 'name', value: [{ first: 'Ada', last: 'Lovelace' }] },
      { type: 'address', value: [{ street1: 'St James’s Sq', city: 'London' }] },
      { type: 'host', value: [{ hostName: 'h.example', port: '22' }] },
      { type: 'databaseType', value: ['mssql'] },
      { type: 'checkbox', label: 'useSSL', value: [true] },
      { type: 'fileRef', value: [{ name: 'plan.pdf' }] },
      { type: 'pamSettings', value: [{ connection: {} }] },
    ).text();
    for (const words of ['Ada Lovelace', 'London', 'h.example:22', 'SQL Server', 'Yes'])
      expect(text).toContain(words);
    expect(rows()).toEqual(['Login', 'Name', 'Address', 'Host', 'Database', 'useSSL']);
  });

  test('a day is the same day in every time zone', () => {
    const text = show({ type: 'birthDate', value: [Date.UTC(1815, 11, 10)] }).text();
    expect(text).toContain(new Date(1815, 11, 10).toLocaleDateString([], { dateStyle: 'medium' }));
  });

  test('only a web address is something to click', () => {
    show(
      { type: 'url', value: ['https://wiki.example/'] },
      { type: 'url', label: 'evil', value: ['javascript:alert(1)'] },
      { type: 'text', value: ['https://not-a-url-field.example'] },
    );
    const links = [...document.querySelectorAll('a')];
    expect(links.map((a) => a.getAttribute('href'))).toEqual(['https://wiki.example/']);
    expect(links[0]?.rel).toBe('noopener noreferrer');
  });
});

describe('secrets', () => {
  const card = { cardNumber: '4242424242424242', cardExpirationDate: '04/2030', cardSecurityCode: '123' };

  test('of a value with parts are shown part by part', async () => {
    const view = show({ type: 'paymentCard', value: [card] });
    expect(rows()).toEqual(['Card number', 'Valid until', 'Security code']);
    expect(view.text()).not.toMatch(/4242|123/);
    view.press('Show security code');
    await vi.waitFor(() => expect(view.text()).toContain('123'));
    expect(view.text()).not.toContain('4242');
    view.press('Hide security code');
    expect(view.text()).not.toContain('123');
  });

  test('are copied without being shown', async () => {
    const view = show({ type: 'password', value: ['hunter2'] });
    view.press('Copy password');
    await vi.waitFor(() => expect(copied).toBe('hunter2'));
    expect(view.text()).not.toContain('hunter2');
  });

  test('of an unknown type are hidden too, and can be looked at', async () => {
    const view = show({ type: 'passkeyOfTomorrow', value: [{ privateKey: 'PK' }] });
    expect(view.text()).not.toContain('PK');
    view.press('Show passkeyoftomorrow');
    await vi.waitFor(() => expect(view.text()).toContain('{"privateKey":"PK"}'));
  });

  test('each of several answers is its own', async () => {
    const view = show({
      type: 'securityQuestion',
      value: [
        { question: 'Pet?', answer: 'Rex' },
        { question: 'Town?', answer: 'Bath' },
      ],
    });
    view.press('Show answer 2');
    await vi.waitFor(() => expect(view.text()).toContain('Bath'));
    expect(view.text()).not.toContain('Rex');
  });
});

describe('a one-time code', () => {
  const secret = 'JBSWY3DPEHPK3PXP';
  const code = () => document.querySelector('output')?.textContent?.replace(' ', '') ?? '';
  const left = () => document.querySelector('svg[role="img"]')?.getAttribute('aria-label');

  test('counts down by the second and changes with its time, and its secret is not there', async () => {
    vi.useFakeTimers({ now: 30_000_000_200 });
    const view = show({ type: 'oneTimeCode', value: [secret] });
    await vi.advanceTimersByTimeAsync(0);
    flushSync();
    expect(code()).toBe(oneTimeCode(secret, Date.now()).code);
    expect(left()).toBe('30 seconds left');
    await vi.advanceTimersByTimeAsync(800);
    flushSync();
    expect(left()).toBe('29 seconds left');
    const first = code();
    await vi.advanceTimersByTimeAsync(29_000);
    flushSync();
    await vi.advanceTimersByTimeAsync(0);
    flushSync();
    expect(code()).toBe(oneTimeCode(secret, Date.now()).code);
    expect(code()).not.toBe(first);
    expect(view.text()).not.toContain(secret);
  });

  test('two of them share one timer, which ends with them', async () => {
    vi.useFakeTimers({ now: 30_000_000_000 });
    const view = show(
      { type: 'oneTimeCode', value: [secret] },
      { type: 'oneTimeCode', label: 'b', value: [secret] },
    );
    const timers = vi.getTimerCount();
    expect(timers).toBe(1);
    await view.close();
    page = null;
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('with a secret that is none says so', async () => {
    const view = show({ type: 'oneTimeCode', value: ['not base32!'] });
    await vi.waitFor(() => expect(view.text()).toContain('not as it should be'));
  });
});
