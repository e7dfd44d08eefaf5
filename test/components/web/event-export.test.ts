// What an export of events says, and that no name in it is a formula.
import { expect, test } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import { csvOf, jsonOf } from '../../../web/events/event-export.ts';
import { detailText } from '../../../web/events/event-text.ts';
import type { SessionLogEntryView } from '../../../workers/api.ts';

const entry: SessionLogEntryView = {
  ...{ place: { at: 0, source: 1, id: 7 }, kind: 'files', recordUid: newUid(), title: '=HYPERLINK("x"),1' },
  ...{ who: { uid: newUid(), email: 'ada@example.test' }, other: null, gateway: 'Office\nBerlin' },
  ...{ sessionUid: newUid(), code: '', upload: true, size: 12, finished: false, count: 2, silent: false },
};

test('a table has one line of names and one for each event, quoted where it must be', () => {
  const text = csvOf([entry]);
  expect(text.startsWith('time,kind,machine,')).toBe(true);
  expect(text).toContain('1970-01-01T00:00:00.000Z,files,"\'=HYPERLINK(""x""),1"');
  expect(text).toContain('"Office\nBerlin"');
  expect(text).toContain(',to-machine,12,false,2,false\r\n');
  expect(csvOf([])).toMatch(/^time,[\w,]*\r\n$/);
});

test.each(['=1', '+1', '-1', '@x', '\t=1', '\r=1', '\n=1', '＝1', '－1'])(
  '%j is no formula in a table',
  (title) => {
    expect(csvOf([{ ...entry, title }])).toContain(`'${title}`);
  },
);

test('JSON has the same members', () => {
  const rows: unknown = JSON.parse(jsonOf([entry]));
  expect(rows).toMatchObject([
    { kind: 'files', bytes: 12, machine: entry.title, person: 'ada@example.test' },
  ]);
});

test('who looked on unseen is named, and that it was unseen', () => {
  const other = { uid: newUid(), email: 'eve@example.test' };
  const watched: SessionLogEntryView = { ...entry, kind: 'watched', other, silent: true };
  expect(detailText(watched)).toBe('eve@example.test, unseen');
  expect(detailText({ ...watched, silent: false })).toBe('eve@example.test');
  expect(csvOf([watched])).toContain(',true\r\n');
});

test.each([
  ['closed', 'Ended'],
  ['login-refused', 'The machine refused the login'],
  ['target-refused', 'The machine refused the connection'],
  ['host-key-changed', 'Not opened'],
  ['certificate-unknown', 'Not opened'],
  ['certificate-mismatch', 'Not opened'],
  ['of-a-newer-gateway', 'Ended: of-a-newer-gateway'],
  ['', 'The gateway did not say why'],
])('a session that ended with the code %j says why in words', (code, words) => {
  expect(detailText({ ...entry, kind: 'ended', code })).toBe(words);
});
