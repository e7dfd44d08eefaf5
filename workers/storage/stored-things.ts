import { unwrap } from 'idb';
import { copy, type Bytes } from '../../protocol/bytes.ts';
import { supersedes, type StoredPage, type StoredRow } from '../engine/storage.ts';
import { bundleObjects, bundleRows, removeObjects, removeRows, type Bundle } from './bundles.ts';
import type { Writing } from './vault-database.ts';

/** Fewer new things than this are kept one by one. */
const fewestTogether = 16;

/** Whether nothing of that name was stored before. */
type IsNew = (name: string) => boolean;

/** `isNext`: the page's cursor rises. What another engine has stored already is new to this one only. */
export async function putThings(transaction: Writing, page: StoredPage, isNext: boolean): Promise<void> {
  const isNew = (name: string) => isNext && (page.fresh?.has(name) ?? false);
  await putRows(transaction, page, isNew);
  await putObjects(transaction, page, isNew);
}

/**
 * One request for a row that was not there, and none of their answers is waited for: the transaction says how it went.
 * What is both stored and removed goes, whichever comes last.
 */
async function putRows(
  transaction: Writing,
  { rows, removedRows = [] }: StoredPage,
  isNew: IsNew,
): Promise<void> {
  const stored = unwrap(transaction.objectStore('rows'));
  const removed = new Set(removedRows);
  const [together, apart] = parted(
    rows.filter(({ uid }) => !removed.has(uid)),
    ({ uid }) => isNew(uid),
  );
  putBundles(transaction, bundleRows(together));
  for (const row of apart) {
    const adding = stored.add({ ...row, record: alone(row.record) }, row.uid);
    adding.onerror = (event) => {
      if (adding.error?.name !== 'ConstraintError') return; // ends the transaction
      event.preventDefault();
      event.stopPropagation();
      replaceRow(stored, row);
    };
  }
  for (const uid of removed) stored.delete(uid);
  if (removed.size > 0) await removeRows(transaction, [...removed]);
}

function replaceRow(stored: IDBObjectStore, row: StoredRow): void {
  const reading = stored.get(row.uid) as IDBRequest<StoredRow | undefined>;
  reading.onsuccess = () => {
    if (supersedes(row, reading.result)) stored.put({ ...row, record: alone(row.record) }, row.uid);
  };
}

/** Of objects in bundles and apart, the one that is apart counts: what is there apart stays so. */
async function putObjects(
  transaction: Writing,
  { objects = [], removedObjects = [] }: StoredPage,
  isNew: IsNew,
): Promise<void> {
  const stored = unwrap(transaction.objectStore('objects'));
  let [together, apart] = parted(objects, ({ key }) => isNew(key));
  if (together.length > 0) {
    const there = new Set(await transaction.objectStore('objects').getAllKeys());
    [together, apart] = parted(objects, ({ key }) => isNew(key) && !there.has(key));
  }
  putBundles(transaction, bundleObjects(together));
  for (const object of apart) stored.put({ ...object, bytes: alone(object.bytes) }, object.key);
  for (const key of removedObjects) stored.delete(key);
  if (removedObjects.length > 0) await removeObjects(transaction, removedObjects);
}

/** The browser stores all of the memory that a view is of. */
function alone(bytes: Bytes): Bytes {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : copy(bytes);
}

function putBundles(transaction: Writing, bundles: readonly Bundle[]): void {
  const stored = unwrap(transaction.objectStore('bundles'));
  for (const bundle of bundles) stored.add(bundle);
}

/** Those that go into bundles, and the others: a few are not worth one. */
function parted<T>(things: readonly T[], isNew: (thing: T) => boolean): [readonly T[], readonly T[]] {
  const together = things.filter(isNew);
  if (together.length < fewestTogether) return [[], things];
  return [together, things.filter((thing) => !isNew(thing))];
}
