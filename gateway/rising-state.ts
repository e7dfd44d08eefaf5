import { ConfigError } from './config.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** What only rises, so that nobody can lead the gateway back to an older world. */
export interface Versions {
  readonly roster: bigint;
  readonly serverKeySet: bigint;
}

/** The newest versions seen, kept over restarts when there is a file to keep them in. */
export class RisingState {
  readonly #path: string | null;
  #versions: Versions;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string | null, versions: Versions) {
    this.#path = path;
    this.#versions = versions;
  }

  /** Reads the file if there is one. No path: the versions live as long as the process. Throws {@link ConfigError}. */
  static async open(path: string | null, least: Partial<Versions> = {}): Promise<RisingState> {
    const text = path === null ? null : await readPrivateFile(path);
    const kept = text === null ? { roster: 0n, serverKeySet: 0n } : parseVersions(path ?? '', text);
    return new RisingState(path, risen(kept, least));
  }

  get versions(): Versions {
    return this.#versions;
  }

  /** Settles when the new versions are on the disk. Lower ones change nothing. */
  raise(seen: Partial<Versions>): Promise<void> {
    const next = risen(this.#versions, seen);
    const changed =
      next.roster !== this.#versions.roster || next.serverKeySet !== this.#versions.serverKeySet;
    if (!changed) return this.#writing;
    this.#versions = next;
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write()); // one that failed was thrown to its caller
    return this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#path === null) return;
    const { roster, serverKeySet } = this.#versions;
    const text = JSON.stringify({ rosterVersion: String(roster), serverKeySetVersion: String(serverKeySet) });
    await writePrivateFile(this.#path, `${text}\n`);
  }
}

function risen(from: Versions, seen: Partial<Versions>): Versions {
  const higher = (a: bigint, b = 0n) => (b > a ? b : a);
  return {
    roster: higher(from.roster, seen.roster),
    serverKeySet: higher(from.serverKeySet, seen.serverKeySet),
  };
}

function parseVersions(path: string, text: string): Versions {
  const match = /^\{"rosterVersion":"(\d{1,20})","serverKeySetVersion":"(\d{1,20})"\}\s*$/.exec(text);
  // Starting from nothing would accept an older roster: a person has to look.
  if (match === null) throw new ConfigError(path, 'is damaged; enrol this gateway again');
  return { roster: BigInt(match[1] ?? 0), serverKeySet: BigInt(match[2] ?? 0) };
}
