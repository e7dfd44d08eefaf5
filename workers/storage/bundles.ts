import { concat, type Bytes } from '../../protocol/bytes.ts';
import type { Uid } from '../../protocol/uid.ts';
import { supersedes, type ObjectKind, type StoredObject, type StoredRow } from '../engine/storage.ts';
import type { Writing } from './vault-database.ts';

/**
 * Things that were new together, in one value of a few arrays: a value, and each object in one, costs the browser as
 * much as dozens of things in one do. What replaces one of them later is kept apart, and counts.
 */
export interface Bundle {
  readonly kind: 'row' | ObjectKind;
  /** UIDs of rows, by which each is found. An index costs about as much as the bytes: only they have one. */
  readonly names: readonly Uid[];
  /** Of objects, which are read all at once. */
  readonly keys: readonly string[];
  /** All things, one after another. */
  readonly bytes: Bytes;
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** Of rows alone, as the flags. */
  readonly revisions: BigUint64Array<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
}

/** Each larger value than 64 KiB is a file of its own to Chromium, and to read one thing is to read its bundle. */
const most = { things: 512, bytes: 192 * 1024 };
const flag = { hasContent: 1, resigned: 2 } as const;

export function bundleRows(rows: readonly StoredRow[]): Bundle[] {
  return groups(rows, ({ record }) => record.length).map(rowBundle);
}

/** Of one kind each. */
export function bundleObjects(objects: readonly StoredObject[]): Bundle[] {
  const byKind = Map.groupBy(objects, ({ kind }) => kind);
  return [...byKind].flatMap(([kind, all]) =>
    groups(all, ({ bytes }) => bytes.length).map((things) => objectBundle(kind, things)),
  );
}

/** What is damaged is cut as it comes: it does not open then. The bytes are parts of the bundle's own. */
export function rowsIn(bundles: readonly Bundle[]): StoredRow[] {
  return bundles.flatMap(({ kind, names, revisions, flags, ...held }) => {
    if (kind !== 'row') return [];
    const parts = partsOf(held);
    return names.map((uid, i) => {
      const flagged = flags[i] ?? 0;
      return {
        ...{ uid, revision: revisions[i] ?? 0n, record: parts[i] ?? new Uint8Array(0) },
        hasContent: (flagged & flag.hasContent) !== 0,
        ...((flagged & flag.resigned) !== 0 && { resigned: true }),
      };
    });
  });
}

/** As `rowsIn`. */
export function objectsIn(bundles: readonly Bundle[]): StoredObject[] {
  return bundles.flatMap(({ kind, keys, ...held }) => {
    if (kind === 'row') return [];
    const parts = partsOf(held);
    return keys.map((key, i) => ({ kind, key, bytes: parts[i] ?? new Uint8Array(0) }));
  });
}

/** Of each record the row that counts. */
export function newestRows(rows: readonly StoredRow[]): StoredRow[] {
  const newest = new Map<string, StoredRow>();
  for (const row of rows) if (supersedes(row, newest.get(row.uid))) newest.set(row.uid, row);
  return [...newest.values()];
}

/** Takes rows out of the bundles that they are in. */
export async function removeRows(transaction: Writing, uids: readonly Uid[]): Promise<void> {
  const index = transaction.objectStore('bundles').index('names');
  const places = await Promise.all(uids.map((uid) => index.getAllKeys(uid)));
  const gone = new Set<string>(uids);
  await replaceBundles(transaction, places.flat(), (bundle) =>
    rowBundle(rowsIn([bundle]).filter(({ uid }) => !gone.has(uid))),
  );
}

/** The same with objects, by their keys: all bundles of their kinds are looked through. */
export async function removeObjects(transaction: Writing, keys: readonly string[]): Promise<void> {
  const index = transaction.objectStore('bundles').index('kind');
  const gone = new Set(keys);
  for (const kind of new Set(keys.map((key) => key.slice(0, key.indexOf(':')))))
    await replaceBundles(transaction, await index.getAllKeys(kind), (bundle) => without(bundle, gone));
}

function without(bundle: Bundle, gone: ReadonlySet<string>): Bundle {
  const { kind, keys } = bundle;
  if (kind === 'row' || !keys.some((key) => gone.has(key))) return bundle;
  return objectBundle(
    kind,
    objectsIn([bundle]).filter(({ key }) => !gone.has(key)),
  );
}

/** An empty one goes, the same one stays. */
async function replaceBundles(
  transaction: Writing,
  places: readonly number[],
  change: (bundle: Bundle) => Bundle,
): Promise<void> {
  const stored = transaction.objectStore('bundles');
  for (const place of new Set(places)) {
    const bundle = await stored.get(place);
    const next = bundle && change(bundle);
    if (next === bundle) continue;
    if (next === undefined || next.lengths.length === 0) await stored.delete(place);
    else await stored.put(next, place);
  }
}

function rowBundle(rows: readonly StoredRow[]): Bundle {
  const flagsOf = ({ hasContent, resigned }: StoredRow) =>
    (hasContent ? flag.hasContent : 0) | (resigned === true ? flag.resigned : 0);
  return {
    kind: 'row',
    names: rows.map(({ uid }) => uid),
    keys: [],
    ...joined(rows.map(({ record }) => record)),
    revisions: BigUint64Array.from(rows, ({ revision }) => revision),
    flags: Uint8Array.from(rows, flagsOf),
  };
}

function objectBundle(kind: ObjectKind, objects: readonly StoredObject[]): Bundle {
  return {
    kind,
    names: [],
    keys: objects.map(({ key }) => key),
    ...joined(objects.map(({ bytes }) => bytes)),
    ...{ revisions: new BigUint64Array(0), flags: new Uint8Array(0) },
  };
}

function joined(parts: readonly Bytes[]): Pick<Bundle, 'bytes' | 'lengths'> {
  return { bytes: concat(...parts), lengths: Uint32Array.from(parts, ({ length }) => length) };
}

function partsOf({ bytes, lengths }: Pick<Bundle, 'bytes' | 'lengths'>): Bytes[] {
  let end = 0;
  return Array.from(lengths, (length) => bytes.subarray(end, (end += length)));
}

function groups<T>(things: readonly T[], bytesOf: (thing: T) => number): T[][] {
  const all: T[][] = [];
  let bytes = 0;
  for (const thing of things) {
    const last = all.at(-1);
    bytes += bytesOf(thing);
    if (last !== undefined && last.length < most.things && bytes <= most.bytes) last.push(thing);
    else {
      all.push([thing]);
      bytes = bytesOf(thing);
    }
  }
  return all;
}
