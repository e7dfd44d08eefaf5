import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Installation } from '../../e2e/installation.ts';

const withinMs = 60_000;

/** What an installation stores of recordings: sealed chunks, as the server keeps them. */
export class RecordedBytes {
  readonly #files: string;
  readonly #spool: string;
  #before: number;

  constructor({ folder, databaseFolder }: Installation) {
    this.#files = join(databaseFolder, 'files');
    this.#spool = join(folder, 'gateway/gateway.recordings');
    this.#before = bytesIn(this.#files);
  }

  /** Settles when the gateway has nothing left to bring. Bytes since it was asked before. */
  async untilStored(): Promise<number> {
    const since = performance.now();
    while (namesIn(this.#spool).length > 0) {
      if (performance.now() - since > withinMs) throw new Error('the recording is not stored');
      await wait(20);
    }
    const now = bytesIn(this.#files);
    const stored = now - this.#before;
    this.#before = now;
    return stored;
  }
}

/** Bytes of one file. Throws when it is not there: nothing was recorded. */
export function fileBytes(path: string): number {
  return statSync(path).size;
}

function bytesIn(folder: string): number {
  const files = namesIn(folder, true).map((name) => statSync(join(folder, name)));
  return files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}

function namesIn(folder: string, recursive = false): string[] {
  try {
    return readdirSync(folder, { recursive }).map(String);
  } catch {
    return []; // nothing was recorded yet
  }
}
