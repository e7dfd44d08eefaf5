import type { TextFormat } from '../../../protocol/records/field-types.ts';
import { mostMinutes } from '../../../protocol/records/pam-settings.ts';

/** What is wrong with a text of that format, as a sentence that says how it is written; null for a right one. */
export function formatProblem(format: TextFormat, text: string): string | null {
  return problems[format](text.trim());
}

/** What a port of a mapping leads to. */
const services = [
  ...['ssh', 'rdp', 'vnc', 'telnet', 'winrm', 'kubernetes', 'http', 'https', 'ldap', 'ldaps'],
  ...['postgresql', 'mysql', 'mariadb', 'mssql', 'sql-server', 'oracle', 'mongodb', 'redis'],
];

const problems: Readonly<Record<TextFormat, (text: string) => string | null>> = {
  port: (text) => (isPort(text) ? null : '1 to 65535.'),
  minutes: (text) =>
    /^[1-9]\d{0,4}$/.test(text) && Number(text) <= mostMinutes
      ? null
      : 'A whole number of minutes, 1 to 10080.',
  count: (text) => (/^[1-9]\d{0,3}$/.test(text) ? null : 'A whole number from 1.'),
  'month-day': (text) => (/^([1-9]|[12]\d|3[01])$/.test(text) ? null : '1 to 31.'),
  'utc-time': (text) => (/^([01]\d|2[0-3]):[0-5]\d$/.test(text) ? null : 'Hours and minutes, as 15:44.'),
  moment: (text) => (isMoment(text) ? null : 'Day and time, as 2026-12-31T04:00.'),
  'time-zone': (text) => (isTimeZone(text) ? null : 'A name of the time zone list, as Europe/Berlin.'),
  cron: cronProblem,
  networks: networksProblem,
  'port-mapping': mappingProblem,
};

function isPort(text: string): boolean {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535;
}

function isMoment(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/.test(text) && !Number.isNaN(Date.parse(`${text}Z`));
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // a name that the platform does not know
  }
}

const cronParts = [
  ['seconds', 0, 59],
  ['minutes', 0, 59],
  ['hours', 0, 23],
  ['day of the month', 1, 31],
  ['month', 1, 12],
  ['day of the week', 1, 7],
] as const;

/** Quartz: six parts, of which one of the two days is left open. */
function cronProblem(text: string): string | null {
  const parts = text.split(/\s+/);
  if (parts.length !== cronParts.length)
    return 'Six parts: seconds, minutes, hours, day of the month, month, day of the week, as 0 0 4 * * ?';
  const wrong = cronParts.find(([, low, high], at) => !isCronPart(parts[at] ?? '', low, high));
  if (wrong !== undefined) return `The ${wrong[0]} cannot be that.`;
  return (parts[3] === '?') === (parts[5] === '?')
    ? 'One of the two days is ?, the other one is not, as 0 0 4 * * ?'
    : null;
}

function isCronPart(part: string, low: number, high: number): boolean {
  return part.split(',').every((item) => {
    if (!/^[\dA-Z*?#-]+(\/\d{1,2})?$/i.test(item)) return false;
    const numbers = (item.split('/')[0] ?? '').match(/\d+/g) ?? [];
    return numbers.every((number) => Number(number) >= low && Number(number) <= high);
  });
}

function networksProblem(text: string): string | null {
  const wrong = text.split(/[\s,]+/).find((network) => network !== '' && !isNetwork(network));
  return wrong === undefined
    ? null
    : `“${wrong}” is no network: write 10.0.0.0/24 or fd00::/64, with commas between several.`;
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const length = address.includes(':') ? 128 : 32;
  if (more.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= length)))
    return false;
  return length === 128 ? isIpv6(address) : isIpv4(address);
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** What a URL takes between its brackets. */
function isIpv6(text: string): boolean {
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`);
}

function mappingProblem(text: string): string | null {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const at = lines.findIndex((line) => line !== '' && !isMapping(line));
  return at < 0
    ? null
    : `Line ${at + 1}: a port and what is there, as 2222=ssh. There can be ${services.join(', ')}.`;
}

function isMapping(line: string): boolean {
  const [port = '', service = '', ...more] = line.split('=').map((part) => part.trim());
  return more.length === 0 && isPort(port) && services.includes(service);
}
