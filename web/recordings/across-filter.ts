import type { RecordingSummary } from '../../workers/api.ts';
import { protocolTitle } from './recording-text.ts';

/** Which recordings are searched; '' and null: all. */
export interface AcrossFilter {
  /** Its record. */
  readonly machine: string;
  /** Whose account had the session. */
  readonly person: string;
  readonly protocol: string;
  /** Days as the date field has them: "2026-11-22"; both of them count. */
  readonly from: string;
  readonly to: string;
}

export const everything: AcrossFilter = { machine: '', person: '', protocol: '', from: '', to: '' };

/** Whether a recording is one of those. What no gateway signed fits every filter: nobody knows what it is. */
export function fits(
  { machine, person, protocol, from, to }: AcrossFilter,
  { said }: Pick<RecordingSummary, 'said'>,
): boolean {
  if (said === null) return true;
  return (
    (machine === '' || said.recordUid === machine) &&
    (person === '' || said.accountUid === person) &&
    (protocol === '' || said.protocol === protocol) &&
    (from === '' || said.startedAt >= startOfDay(from)) &&
    (to === '' || said.startedAt < startOfDay(to, 1))
  );
}

/** By the clock of whoever looks. */
function startOfDay(day: string, later = 0): number {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).getTime();
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** What recordings can be told apart by, each once and in order. */
export function choicesOf(all: readonly RecordingSummary[]) {
  const machines = new Map<string, string>();
  const people = new Map<string, string>();
  const protocols = new Map<string, string>();
  for (const { said } of all) {
    if (said === null) continue;
    machines.set(said.recordUid, said.title === '' ? 'A machine that is not in this vault' : said.title);
    people.set(said.accountUid, said.email === '' ? 'Somebody who left' : said.email);
    protocols.set(said.protocol, protocolTitle(said.protocol));
  }
  return {
    machines: inOrder(machines, 'All machines'),
    people: inOrder(people, 'Everybody'),
    protocols: inOrder(protocols, 'All protocols'),
  };
}

function inOrder(labels: ReadonlyMap<string, string>, all: string): readonly Choice[] {
  const sorted = [...labels].sort(([, one], [, other]) => one.localeCompare(other));
  return [{ value: '', label: all }, ...sorted.map(([value, label]) => ({ value, label }))];
}
