import { expect, test } from 'vitest';
import { createLogger } from '../../../server/log/logger.ts';
import { Scrubber } from '../../../protocol/log/scrubber.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void, scrubber = new Scrubber()): string {
  const lines: string[] = [];
  write(createLogger('debug', scrubber, { write: (line) => void lines.push(line) }));
  return lines.join('');
}

test('a public field is printed, an undeclared one is not', () => {
  const text = logged((log) =>
    log.info({ event: 'x', status: 200, somethingNew: 'hunter2', password: 'hunter2' }),
  );
  expect(JSON.parse(text)).toMatchObject({
    event: 'x',
    status: 200,
    somethingNew: '[secret]',
    password: '[secret]',
  });
});

test('an object under a public name is not printed, whatever is in it', () => {
  const text = logged((log) =>
    log.info({ event: 'x', status: { headers: { authorization: 'hunter2' } }, url: ['hunter2'] }),
  );
  expect(text).not.toContain('hunter2');
});

test('a sensitive field shows only whether it is the same as another', () => {
  const lines = logged((log) => {
    for (const email of ['a@b', 'a@b', 'c@d']) log.info({ event: 'x', email });
  });
  const tags = lines
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { email: string }).email);
  expect(tags[0]).toBe(tags[1]);
  expect(tags[0]).not.toBe(tags[2]);
  expect(lines).not.toContain('a@b');
});

test('an error shows class, code and place; what the store quotes from rows stays out', () => {
  const error = Object.assign(new Error('duplicate key "hunter2"'), {
    severity: 'ERROR',
    code: '23505',
    detail: 'Key (email)=(hunter2) already exists.',
    parameters: ['hunter2'],
  });
  const text = logged((log) => log.error({ event: 'x', err: error }));
  expect(text).not.toContain('hunter2');
  expect(JSON.parse(text)).toMatchObject({ err: { code: '23505', stack: expect.any(Array) } });
});

test('a registered secret is taken out of every line, stack traces and causes included', () => {
  const scrubber = new Scrubber();
  scrubber.hold('hunter2-the-password');
  const cause = new Error('connecting with hunter2-the-password failed');
  const text = logged((log) => {
    log.error({ event: 'x', err: new Error('outer', { cause }) });
    log.info('a plain line with hunter2-the-password');
  }, scrubber);
  expect(text).not.toContain('hunter2');
  expect(text).toContain('[secret]');
});
