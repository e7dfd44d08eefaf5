import type { SessionLogEntryView } from '../../workers/api.ts';

const columns = [
  ...['time', 'kind', 'machine', 'machine_uid', 'person', 'person_uid', 'other_person', 'other_uid'],
  ...['gateway', 'session_uid', 'code', 'direction', 'bytes', 'finished', 'count', 'unseen'],
] as const;
type Row = Readonly<Record<(typeof columns)[number], string | number | boolean>>;

/** One event as a table has it: plain values, empty where there is none. */
export function rowOf(entry: SessionLogEntryView): Row {
  const files = entry.kind === 'files';
  return {
    ...{ time: new Date(entry.place.at).toISOString(), kind: entry.kind, machine: entry.title },
    ...{
      machine_uid: entry.recordUid ?? '',
      person: entry.who?.email ?? '',
      person_uid: entry.who?.uid ?? '',
    },
    ...{ other_person: entry.other?.email ?? '', other_uid: entry.other?.uid ?? '', gateway: entry.gateway },
    ...{ session_uid: entry.sessionUid ?? '', code: entry.code },
    ...{
      direction: files ? (entry.upload ? 'to-machine' : 'from-machine') : '',
      bytes: files ? entry.size : '',
    },
    ...{ finished: files ? entry.finished : '', count: entry.count, unseen: entry.silent },
  };
}

export function jsonOf(entries: readonly SessionLogEntryView[]): string {
  return `${JSON.stringify(entries.map(rowOf), null, 2)}\n`;
}

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it: names are other people's words. */
export function csvOf(entries: readonly SessionLogEntryView[]): string {
  const lines = entries.map((entry) => {
    const row = rowOf(entry);
    return columns.map((column) => cellOf(row[column])).join(',');
  });
  return [columns.join(','), ...lines, ''].join('\r\n');
}

function cellOf(value: string | number | boolean): string {
  const text = String(value);
  const safe = typeof value === 'string' && /^[=+\-@＝＋－＠\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
