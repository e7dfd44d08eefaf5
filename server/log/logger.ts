import { createHmac, randomBytes } from 'node:crypto';
import { pino, type DestinationStream, type LogFn, type Logger as PinoLogger } from 'pino';
import { fieldClasses } from './fields.ts';
import { Scrubber } from '../../protocol/log/scrubber.ts';

export type Logger = PinoLogger;
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** The server's one logger: structured lines on standard output, redacted by construction. */
export function createLogger(
  level: LogLevel,
  scrubber = new Scrubber(),
  destination?: DestinationStream,
): Logger {
  const options = {
    level,
    base: { pid: process.pid },
    formatters: { log: classify, level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    messageKey: 'event',
    hooks: { logMethod: nameEvent, streamWrite: (line: string) => scrubber.scrub(line) },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** Takes the line's message from `event`: left to itself, pino would take the message of an error, unclassified. */
function nameEvent(this: PinoLogger, args: Parameters<LogFn>, write: LogFn): void {
  const [fields] = args as readonly unknown[];
  if (typeof fields !== 'object' || fields === null) return write.apply(this, args);
  const { event, ...rest } = fields as Record<string, unknown>;
  write.call(this, rest, typeof event === 'string' ? event : 'unnamed');
}

function classify(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, printed(name, value)]));
}

function printed(name: string, value: unknown): unknown {
  if (name === 'err') return value; // the serializer says what of it is printed
  const known = fieldClasses[name];
  if (known === 'public' && isPlain(value)) return value;
  return known === 'sensitive' && typeof value === 'string' ? tagOf(value) : '[secret]';
}

/** An object could carry anything under a public name. */
function isPlain(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value);
}

const tagKey = randomBytes(32);

/** The same text gives the same tag until the process ends, and the tag tells nothing else. */
function tagOf(value: string): string {
  return `#${createHmac('sha256', tagKey).update(value).digest('hex').slice(0, 10)}`;
}

/**
 * Class, code, message and our own stack lines. PostgreSQL's `detail`, `where` and parameters hold values of rows
 * and are left out; so is the message of an error of its own, which may quote a value.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = (error as { code?: unknown }).code;
  const fromStore = 'severity' in error;
  return {
    type: error.name,
    ...(typeof code === 'string' && { code }),
    ...(!fromStore && { message: error.message }),
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => line.startsWith('    at '))
      .slice(0, 12),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
