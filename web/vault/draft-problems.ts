import type { FieldDraft } from './fields/field-draft.ts';
import { hasProblem } from './fields/field-problems.ts';

/** What keeps a draft from being saved. */
export interface DraftProblems {
  readonly title: string | null;
  readonly host: string | null;
  readonly port: string | null;
  /** Whether one of the fields says something of its own. */
  readonly fields: boolean;
}

interface Checked {
  readonly type: string;
  readonly title: string;
  readonly fields: readonly FieldDraft[];
  readonly custom: readonly FieldDraft[];
}

export function checkDraft({ type, title, fields, custom }: Checked): DraftProblems {
  const machine = type === 'pamMachine' ? checkHost(fields) : { host: null, port: null };
  return {
    title: title.trim() === '' ? 'Give it a title.' : null,
    fields: [...fields, ...custom].some(hasProblem),
    ...machine,
  };
}

export function hasProblems({ title, host, port, fields }: DraftProblems): boolean {
  return fields || [title, host, port].some((problem) => problem !== null);
}

function checkHost(fields: readonly FieldDraft[]): Pick<DraftProblems, 'host' | 'port'> {
  const held = fields.find(({ field }) => field.type === 'pamHostname')?.field.value[0];
  const value = (typeof held === 'object' ? held : {}) as Readonly<Record<string, unknown>>;
  const host = String(value['hostName'] ?? '').trim();
  const port = Number(value['port'] || 22);
  const portFits = Number.isInteger(port) && port >= 1 && port <= 65535;
  return {
    host: host === '' ? 'Give a host name or an address.' : /\s/.test(host) ? 'No spaces here.' : null,
    port: portFits ? null : '1 to 65535.',
  };
}
