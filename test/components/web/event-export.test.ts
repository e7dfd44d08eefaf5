// What an export of events says, and that no name in it is a formula.
import { expect, test } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import { csvOf, jsonOf } from '../../../web/events/event-export.ts';
import type { SessionLogEntryView } from '../../../workers/api.ts';

const entry: SessionLogEntryView = {
  ...{ place: { at: 0, source: 1, id: 7 }, kind: 'files', recordUid: newUid(), title: '=HYPERLINK("x"),1' },
  ...{ who: { uid: newUid(), email: 'ada@example.test' }, other: null, gateway: 'Office\nBerlin' },
  ...{ sessionUid: newUid(), code: '', upload: true, size: 12, finished: false, count: 2 },
};

test('a table has one line of names and one for each event, quoted where it must be', () => {
  const text = csvOf([entry]);
  expect(text.startsWith('time,kind,machine,')).toBe(true);
  expect(text).toContain('1970-01-01T00:00:00.000Z,files,"\'=HYPERLINK(""x""),1"');
  expect(text).toContain('"Office\nBerlin"');
  expect(text).toContain(',to-machine,12,false,2\r\n');
  expect(csvOf([])).toMatch(/^time,[\w,]*\r\n$/);
});

test('JSON has the same members', () => {
  const rows: unknown = JSON.parse(jsonOf([entry]));
  expect(rows).toMatchObject([
    { kind: 'files', bytes: 12, machine: entry.title, person: 'ada@example.test' },
  ]);
});
