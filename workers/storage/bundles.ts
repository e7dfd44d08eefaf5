import { supersedes, type ObjectKind, type StoredObject, type StoredRow } from '../engine/storage.ts';
import type { Writing } from './vault-database.ts';

/**
 * Things that were new together, in one value: a value costs the browser as much as dozens of things in one do. What
 * replaces one of them later is kept apart, and counts.
 */
export type Bundle =
  | { readonly kind: 'row'; readonly names: readonly string[]; readonly things: readonly StoredRow[] }
  | {
      readonly kind: ObjectKind;
      readonly names: readonly string[];
      readonly things: readonly StoredObject[];
    };

/** A larger value than 64 KiB is a file of its own to Chromium, and to read one thing is to read its bundle. */
const most = { things: 64, bytes: 48 * 1024 };

export function bundleRows(rows: readonly StoredRow[]): Bundle[] {
  return groups(rows, ({ record }) => record.length).map((things) => ({
    kind: 'row',
    names: things.map(({ uid }) => uid),
    things,
  }));
}

/** Of one kind each. */
export function bundleObjects(objects: readonly StoredObject[]): Bundle[] {
  const byKind = Map.groupBy(objects, ({ kind }) => kind);
  return [...byKind].flatMap(([kind, all]) =>
    groups(all, ({ bytes }) => bytes.length).map((things) => ({
      kind,
      names: things.map(({ key }) => key),
      things,
    })),
  );
}

export function rowsIn(bundles: readonly Bundle[]): StoredRow[] {
  return bundles.flatMap((bundle) => (bundle.kind === 'row' ? bundle.things : []));
}

export function objectsIn(bundles: readonly Bundle[]): StoredObject[] {
  return bundles.flatMap((bundle) => (bundle.kind === 'row' ? [] : bundle.things));
}

/** Of each record the row that counts. */
export function newestRows(rows: readonly StoredRow[]): StoredRow[] {
  const newest = new Map<string, StoredRow>();
  for (const row of rows) if (supersedes(row, newest.get(row.uid))) newest.set(row.uid, row);
  return [...newest.values()];
}

/** Takes the things of those names out of the bundles that they are in. */
export async function removeFromBundles(transaction: Writing, names: readonly string[]): Promise<void> {
  const stored = transaction.objectStore('bundles');
  const index = stored.index('names');
  const keys = await Promise.all(names.map((name) => index.getAllKeys(name)));
  const gone = new Set(names);
  for (const key of new Set(keys.flat())) {
    const rest = without(await stored.get(key), gone);
    if (rest === null) await stored.delete(key);
    else await stored.put(rest, key);
  }
}

/** Null when nothing is left. */
function without(bundle: Bundle | undefined, gone: ReadonlySet<string>): Bundle | null {
  if (bundle === undefined || bundle.names.every((name) => gone.has(name))) return null;
  const names = bundle.names.filter((name) => !gone.has(name));
  if (bundle.kind === 'row')
    return { kind: 'row', names, things: bundle.things.filter(({ uid }) => !gone.has(uid)) };
  return { kind: bundle.kind, names, things: bundle.things.filter(({ key }) => !gone.has(key)) };
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
