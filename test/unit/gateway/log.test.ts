import { describe, expect, test } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import { Scrubber } from '../../../protocol/log/scrubber.ts';

const secret = 'correct "horse" bättery/staple+1';

function capture(): { log: Logger; text: () => string } {
  const lines: string[] = [];
  return { log: new Logger('debug', (line) => lines.push(line)), text: () => lines.join('') };
}

describe('the log', () => {
  test('writes one JSON line with declared fields', () => {
    const { log, text } = capture();
    log.with({ gateway: 'g' }).info('link up', { attempt: 2, resumed: false });
    expect(JSON.parse(text())).toMatchObject({ event: 'link up', level: 'info', gateway: 'g', attempt: 2 });
  });

  test('takes an undeclared field for a secret', () => {
    const { log, text } = capture();
    log.info('x', { password: 'hunter2hunter2', code: { nested: 'hunter2hunter2' } });
    expect(text()).not.toContain('hunter2');
    expect(text()).toContain('"password":"[secret]"');
  });

  test('keeps quiet below its level', () => {
    const lines: string[] = [];
    const log = new Logger('warn', (line) => lines.push(line));
    log.info('x');
    log.warn('y');
    expect(lines).toHaveLength(1);
  });

  test('scrubs a secret in use from messages, stacks and causes', () => {
    const { log, text } = capture();
    log.secrets.hold(secret);
    const cause = new Error(`inner ${secret}`);
    log.error('failed', { err: new Error(`said ${secret} twice ${secret}`, { cause }), reason: secret });
    expect(text()).not.toContain('horse');
    expect(JSON.parse(text()).err.message).toBe('said [secret] twice [secret]');
  });
});

describe('the scrubber', () => {
  const forms: [string, string][] = [
    ['as it is', secret],
    ['in JSON', JSON.stringify({ a: secret })],
    ['in JSON in JSON', JSON.stringify(JSON.stringify({ a: secret }))],
    ['in a URL', `https://x/?p=${encodeURIComponent(secret)}`],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in base64url', Buffer.from(secret).toString('base64url')],
    ['in hexadecimal', Buffer.from(secret).toString('hex')],
    ...[1, 2, 3, 4].map((n): [string, string] => [
      `in base64 of more, ${n} bytes in`,
      Buffer.from(`${'x'.repeat(n)}${secret}tail`).toString('base64'),
    ]),
  ];

  test.each(forms)('finds a secret %s', (_, text) => {
    const scrubber = new Scrubber();
    scrubber.hold(secret);
    const scrubbed = scrubber.scrub(text);
    expect(scrubbed).toContain('[secret]');
    expect(Buffer.from(scrubbed.replaceAll('[secret]', ''), 'base64').toString()).not.toContain('horse');
  });

  test('finds bytes in hexadecimal and base64', () => {
    const scrubber = new Scrubber();
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    scrubber.hold(bytes);
    expect(scrubber.scrub(`k=${Buffer.from(bytes).toString('hex')};`)).toBe('k=[secret];');
    expect(scrubber.scrub(Buffer.from(bytes).toString('base64url'))).toMatch(/^\[secret\].?$/);
  });

  test('finds the lines of a key one by one', () => {
    const scrubber = new Scrubber();
    scrubber.hold(`-----BEGIN KEY-----\n${'Zm9vYmFy'.repeat(8)}\n-----END KEY-----\n`);
    expect(scrubber.scrub(`line: ${'Zm9vYmFy'.repeat(8)}`)).toBe('line: [secret]');
  });

  test('forgets a secret when its last holder lets go', () => {
    const scrubber = new Scrubber();
    const [first, second] = [scrubber.hold('abcdefgh'), scrubber.hold('abcdefgh')];
    first();
    first();
    expect(scrubber.scrub('abcdefgh')).toBe('[secret]');
    second();
    expect(scrubber.scrub('abcdefgh')).toBe('abcdefgh');
  });
});
