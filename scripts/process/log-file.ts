// What a part logs: into a file of its own, with the last lines at hand for the moment it fails.
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

export type LogFile = {
  readonly file: string;
  readonly line: (line: string) => void;
  /** The end of it and where the rest is, for the message of a failure. */
  readonly lastWords: () => string;
};

const kept = 8;

/** A new log; the one of the last run is replaced. */
export function openLogFile(file: string): LogFile {
  mkdirSync(dirname(file), { recursive: true });
  const stream = createWriteStream(file, { mode: 0o600 });
  const last: string[] = [];
  const line = (text: string): void => {
    stream.write(`${text}\n`);
    if (last.push(text) > kept) last.shift();
  };
  return { file, line, lastWords: () => ` (all of it in ${file}):\n${last.join('\n')}` };
}
