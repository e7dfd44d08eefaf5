import { firstText, firstValue, type RecordContent } from '../../protocol/records/content.ts';

/** What keeps a draft from being saved, by field. */
export interface DraftProblems {
  readonly title: string | null;
  readonly host: string | null;
  readonly port: string | null;
  readonly website: string | null;
}

export function checkDraft(content: RecordContent): DraftProblems {
  const machine = content.type === 'pamMachine' ? checkHost(content) : { host: null, port: null };
  return {
    title: content.title.trim() === '' ? 'Give it a title.' : null,
    website: checkWebsite(firstText(content, 'url')),
    ...machine,
  };
}

export function hasProblems(problems: DraftProblems): boolean {
  return Object.values(problems).some((problem) => problem !== null);
}

function checkHost(content: RecordContent): Pick<DraftProblems, 'host' | 'port'> {
  const value = (firstValue(content, 'pamHostname') ?? {}) as Readonly<Record<string, unknown>>;
  const host = String(value['hostName'] ?? '').trim();
  const port = Number(value['port'] || 22);
  const portFits = Number.isInteger(port) && port >= 1 && port <= 65535;
  return {
    host: host === '' ? 'Give a host name or an address.' : /\s/.test(host) ? 'No spaces here.' : null,
    port: portFits ? null : '1 to 65535.',
  };
}

/** A link that is not a web page must never become something to click. */
function checkWebsite(url: string): string | null {
  if (url === '') return null;
  return isWebAddress(url) ? null : 'Start it with https:// or http://.';
}

export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && ['https:', 'http:'].includes(new URL(url).protocol);
}
