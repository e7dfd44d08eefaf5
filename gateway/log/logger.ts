import { printable } from './fields.ts';
import { Scrubber } from '../../protocol/log/scrubber.ts';

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

type Fields = Readonly<Record<string, unknown>>;

/**
 * The gateway's one logger: JSON lines that hold declared fields only, and no secret in use in any form. `secrets`
 * is where whoever holds a secret registers it for as long as it does.
 */
export class Logger {
  readonly secrets: Scrubber;
  readonly #threshold: number;
  readonly #write: (line: string) => void;
  readonly #bound: Fields;

  constructor(
    level: LogLevel,
    write: (line: string) => void = (line) => process.stderr.write(line),
    secrets: Scrubber = new Scrubber(),
    bound: Fields = {},
  ) {
    this.secrets = secrets;
    this.#threshold = logLevels.indexOf(level);
    this.#write = write;
    this.#bound = bound;
  }

  /** The same log with these fields in every line. */
  with(fields: Fields): Logger {
    const level = logLevels[this.#threshold] ?? 'info';
    return new Logger(level, this.#write, this.secrets, { ...this.#bound, ...fields });
  }

  error(event: string, fields: Fields = {}): void {
    this.#log('error', event, fields);
  }

  warn(event: string, fields: Fields = {}): void {
    this.#log('warn', event, fields);
  }

  info(event: string, fields: Fields = {}): void {
    this.#log('info', event, fields);
  }

  debug(event: string, fields: Fields = {}): void {
    this.#log('debug', event, fields);
  }

  /** `err` among the fields is described by class, code, message and own stack lines. */
  #log(level: LogLevel, event: string, fields: Fields): void {
    if (logLevels.indexOf(level) > this.#threshold) return;
    const members = Object.entries({ ...this.#bound, ...fields }).map(([name, value]) =>
      name === 'err' ? [name, describeError(value)] : [name, printable(name, value)],
    );
    const time = new Date().toISOString();
    const line = JSON.stringify({ time, level, event, pid: process.pid, ...Object.fromEntries(members) });
    this.#write(`${this.secrets.scrub(line)}\n`);
  }
}

/** Class, code, message and where it was; the scrubber takes out what a library may have quoted. */
function describeError(error: unknown): Fields {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = (error as { code?: unknown }).code;
  const lines = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return {
    type: error.name,
    ...(typeof code === 'string' && { code }),
    message: error.message,
    stack: lines.slice(0, 12),
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
