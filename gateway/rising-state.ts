import { parseUid, type Uid } from '../protocol/uid.ts';
import { ConfigError } from './config.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** What only rises, so that nobody can lead the gateway back to an older world. */
export interface Versions {
  readonly roster: bigint;
  readonly serverKeySet: bigint;
  /** By account: the latest date of an admitted command that lay ahead of the gateway's clock. protocol.md §12.2. */
  readonly aheadMs: ReadonlyMap<Uid, number>;
}

const none: Versions = { roster: 0n, serverKeySet: 0n, aheadMs: new Map() };

/** The newest versions seen, kept over restarts when there is a file to keep them in. */
export class RisingState {
  readonly #path: string | null;
  #versions: Versions;
  #raising: Promise<void> = Promise.resolve();

  private constructor(path: string | null, versions: Versions) {
    this.#path = path;
    this.#versions = versions;
  }

  /** Reads the file if there is one. No path: the versions live as long as the process. Throws {@link ConfigError}. */
  static async open(path: string | null, least: Partial<Versions> = {}): Promise<RisingState> {
    const text = path === null ? null : await readPrivateFile(path);
    const kept = text === null ? none : parseVersions(path ?? '', text);
    return new RisingState(path, risen(kept, least));
  }

  get versions(): Versions {
    return this.#versions;
  }

  /** Settles when the new versions are on the disk, and counts from then on. Lower ones change nothing. */
  raise(seen: Partial<Versions>): Promise<void> {
    const raised = this.#raising.then(() => this.#raise(seen));
    this.#raising = raised.catch(() => {}); // told to its caller; the next one tries anew
    return raised;
  }

  async #raise(seen: Partial<Versions>): Promise<void> {
    const next = risen(this.#versions, seen);
    const text = encodeVersions(next);
    if (text === encodeVersions(this.#versions)) return;
    if (this.#path !== null) await writePrivateFile(this.#path, text);
    this.#versions = next;
  }
}

function risen(from: Versions, seen: Partial<Versions>): Versions {
  const higher = (a: bigint, b = 0n) => (b > a ? b : a);
  const aheadMs = new Map(from.aheadMs);
  for (const [account, ms] of seen.aheadMs ?? [])
    aheadMs.set(account, Math.max(ms, aheadMs.get(account) ?? 0));
  return {
    roster: higher(from.roster, seen.roster),
    serverKeySet: higher(from.serverKeySet, seen.serverKeySet),
    aheadMs,
  };
}

function encodeVersions({ roster, serverKeySet, aheadMs }: Versions): string {
  const versions = { rosterVersion: String(roster), serverKeySetVersion: String(serverKeySet) };
  const commands = aheadMs.size > 0 ? { aheadMs: Object.fromEntries(aheadMs) } : {};
  return `${JSON.stringify({ ...versions, ...commands })}\n`;
}

const versionsShape =
  /^\{"rosterVersion":"(\d{1,20})","serverKeySetVersion":"(\d{1,20})"(?:,"aheadMs":\{((?:"[\w-]{22}":\d{1,15},?)+)\})?\}\s*$/;

function parseVersions(path: string, text: string): Versions {
  const match = versionsShape.exec(text);
  // Starting from nothing would accept an older roster: a person has to look.
  if (match === null) throw new ConfigError(path, 'is damaged; enrol this gateway again');
  const ahead = (match[3] ?? '').matchAll(/"([\w-]{22})":(\d+)/g);
  return {
    roster: BigInt(match[1] ?? 0),
    serverKeySet: BigInt(match[2] ?? 0),
    aheadMs: new Map([...ahead].map(([, account = '', ms]) => [parseUid(account), Number(ms)])),
  };
}
