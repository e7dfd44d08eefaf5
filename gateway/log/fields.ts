/** What may be written. Undeclared means secret: nothing reaches the log by being forgotten here. */
const publicFields = [
  'account',
  'address',
  'attempt',
  'bytes',
  'code',
  'command',
  'count',
  'file',
  'gateway',
  'host',
  'kind',
  'leg',
  'ms',
  'opcode',
  'organisation',
  'peer',
  'pid',
  'port',
  'reason',
  'record',
  'recording',
  'resumed',
  'roster',
  'server',
  'session',
  'sessions',
  'share',
  'side',
  'signal',
  'state',
  'version',
] as const;

const known: ReadonlySet<string> = new Set(publicFields);

/** The value as it may be printed: declared and plain, or not at all. */
export function printable(name: string, value: unknown): unknown {
  const plain = value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value);
  if (!known.has(name) || !plain) return '[secret]';
  return typeof value === 'bigint' ? String(value) : value;
}
