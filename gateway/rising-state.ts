import { parseUid, type Uid } from '../protocol/uid.ts';
import { ConfigError } from './config.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** The newest of a record that the gateway has seen. */
export interface RecordVersion {
  readonly revision: bigint;
  /** Of the record's key: it is replaced when somebody lost access. */
  readonly keyVersion: number;
  /** Of a machine: the counter of its owner's word on where it leads; 0 of everything else. protocol.md §10.8. */
  readonly confirmation: bigint;
}

/** What only rises, so that nobody can lead the gateway back to an older world. */
export interface Versions {
  readonly roster: bigint;
  readonly serverKeySet: bigint;
  /** By account: the latest date of an admitted command that lay ahead of the gateway's clock. protocol.md §12.2. */
  readonly aheadMs: ReadonlyMap<Uid, number>;
  /** Of records whose owner signed them; those seen last at the end. protocol.md §12.6. */
  readonly records: ReadonlyMap<Uid, RecordVersion>;
}

const none: Versions = { roster: 0n, serverKeySet: 0n, aheadMs: new Map(), records: new Map() };

/** Of these a gateway remembers the newest; the one that was longest not seen anew goes first. */
const mostRecords = 10_000;

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

  /**
   * Settles when the new versions are on the disk, and counts from then on. Lower ones change nothing. Gives the
   * records that had to be forgotten.
   */
  raise(seen: Partial<Versions>): Promise<readonly Uid[]> {
    const raised = this.#raising.then(() => this.#raise(seen));
    this.#raising = raised.then(
      () => {},
      () => {}, // told to its caller; the next one tries anew
    );
    return raised;
  }

  async #raise(seen: Partial<Versions>): Promise<readonly Uid[]> {
    const next = risen(this.#versions, seen);
    const text = encodeVersions(next);
    if (text === encodeVersions(this.#versions)) return [];
    if (this.#path !== null) await writePrivateFile(this.#path, text);
    const forgotten = [...this.#versions.records.keys()].filter((uid) => !next.records.has(uid));
    this.#versions = next;
    return forgotten;
  }
}

function risen(from: Versions, seen: Partial<Versions>): Versions {
  const aheadMs = new Map(from.aheadMs);
  for (const [account, ms] of seen.aheadMs ?? [])
    aheadMs.set(account, Math.max(ms, aheadMs.get(account) ?? 0));
  return {
    roster: higher(from.roster, seen.roster),
    serverKeySet: higher(from.serverKeySet, seen.serverKeySet),
    aheadMs,
    records: risenRecords(from.records, seen.records ?? new Map()),
  };
}

/** Whether anything of the one is lower than of the other. */
export function isBelow(one: RecordVersion, other: RecordVersion): boolean {
  return (
    one.revision < other.revision ||
    one.keyVersion < other.keyVersion ||
    one.confirmation < other.confirmation
  );
}

function higher(a: bigint, b = 0n): bigint {
  return b > a ? b : a;
}

function risenRecords(from: Versions['records'], seen: Versions['records']): Versions['records'] {
  const records = new Map(from);
  const nothing = { revision: 0n, keyVersion: 0, confirmation: 0n };
  for (const [uid, seenNow] of seen) {
    const known = records.get(uid) ?? nothing;
    if (records.has(uid) && !isBelow(known, seenNow)) continue;
    records.delete(uid);
    records.set(uid, {
      revision: higher(known.revision, seenNow.revision),
      keyVersion: Math.max(known.keyVersion, seenNow.keyVersion),
      confirmation: higher(known.confirmation, seenNow.confirmation),
    });
  }
  return new Map([...records].slice(-mostRecords));
}

function encodeVersions({ roster, serverKeySet, aheadMs, records }: Versions): string {
  const versions = { rosterVersion: String(roster), serverKeySetVersion: String(serverKeySet) };
  const commands = aheadMs.size > 0 ? { aheadMs: Object.fromEntries(aheadMs) } : {};
  const seen = [...records].map(
    ([uid, { revision, keyVersion, confirmation }]) =>
      [uid, Number(revision), keyVersion, Number(confirmation)] as const,
  );
  const list = seen.length > 0 ? { records: seen } : {};
  return `${JSON.stringify({ ...versions, ...commands, ...list })}\n`;
}

const versionsShape =
  /^\{"rosterVersion":"(\d{1,20})","serverKeySetVersion":"(\d{1,20})"(?:,"aheadMs":\{((?:"[\w-]{22}":\d{1,15},?)+)\})?(?:,"records":\[((?:\["[\w-]{22}",\d{1,16},\d{1,10},\d{1,16}\],?)+)\])?\}\s*$/;

function parseVersions(path: string, text: string): Versions {
  const match = versionsShape.exec(text);
  // Starting from nothing would accept an older roster: a person has to look.
  if (match === null) throw new ConfigError(path, 'is damaged; enrol this gateway again');
  const ahead = (match[3] ?? '').matchAll(/"([\w-]{22})":(\d+)/g);
  const records = (match[4] ?? '').matchAll(/\["([\w-]{22})",(\d+),(\d+),(\d+)\]/g);
  return {
    roster: BigInt(match[1] ?? 0),
    serverKeySet: BigInt(match[2] ?? 0),
    aheadMs: new Map([...ahead].map(([, account = '', ms]) => [parseUid(account), Number(ms)])),
    records: new Map(
      [...records].map(([, uid = '', revision = '', keyVersion, confirmation = '']) => [
        parseUid(uid),
        { revision: BigInt(revision), keyVersion: Number(keyVersion), confirmation: BigInt(confirmation) },
      ]),
    ),
  };
}
