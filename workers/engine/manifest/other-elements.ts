import { encodeBase64url, parseBase64url } from '../../../protocol/bytes.ts';
import type { Coverage, SyncResponse } from '../../../protocol/messages/gen/record_pb.js';
import type { SharedFolder } from '../../../protocol/messages/gen/sharing_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { tagOf, type ManifestElement } from '../../../protocol/vault/manifest.ts';
import { coveredIn, recordElement, type Covered } from '../records/known-record.ts';
import type { VaultSet } from './vault-set.ts';

/** What the manifest covers besides own records and cards, in a form that can be stored. */
export interface OtherElement extends Covered {
  readonly kind: 'record' | 'folder';
  readonly uid: Uid;
  /** Of a folder: its newest revision, when somebody else wrote it. */
  readonly current?: number;
  readonly currentTag?: string;
}

/** Own shared folders, and records that others took over and that the manifest has not left out yet. */
export class OtherElements {
  readonly #accountUid: Uid;
  readonly #set: VaultSet;
  #known = new Map<string, OtherElement>();

  constructor(accountUid: Uid, set: VaultSet) {
    this.#accountUid = accountUid;
    this.#set = set;
  }

  all(): readonly OtherElement[] {
    return [...this.#known.values()];
  }

  folder(uid: Uid): OtherElement | null {
    return this.#known.get(`folder:${uid}`) ?? null;
  }

  /** Records that somebody else has and this account's manifest still covers. */
  get departed(): readonly OtherElement[] {
    return this.all().filter(({ kind }) => kind === 'record');
  }

  /** Own folders as others last wrote them, not covered yet. */
  get ahead(): readonly OtherElement[] {
    return this.all().filter(({ kind, current, revision }) => kind === 'folder' && current !== revision);
  }

  /** What a sync page says of them. */
  in({ folders, records, removals }: Pick<SyncResponse, 'folders' | 'records' | 'removals'>): OtherElement[] {
    const own = folders.filter(({ ownerUid }) => uidOf(ownerUid) === this.#accountUid);
    const handedOn = records.filter((row) => row.covered && uidOf(row.ownerUid) !== this.#accountUid);
    const gone = removals.filter(({ covered }) => covered);
    return [
      ...own.map(folderElement),
      ...handedOn.map(({ recordUid, covered }) => departed(recordUid, covered)),
      ...gone.map(({ objectUid, covered }) => departed(objectUid, covered)),
    ].filter((element) => element !== null);
  }

  *elements(): Iterable<ManifestElement> {
    for (const element of this.#known.values()) yield otherElement(element);
  }

  load(elements: readonly OtherElement[]): void {
    this.#known = new Map(elements.map((element) => [keyOf(element), element]));
  }

  put(element: OtherElement): void {
    const former = this.#known.get(keyOf(element));
    this.#set.change(former ? otherElement(former) : null, otherElement(element));
    this.#known.set(keyOf(element), element);
  }

  remove(kind: OtherElement['kind'], uid: Uid): void {
    const former = this.#known.get(`${kind}:${uid}`);
    if (former) this.#set.change(otherElement(former), null);
    this.#known.delete(`${kind}:${uid}`);
  }
}

export function otherElement(element: OtherElement): ManifestElement {
  const { kind, uid } = element;
  if (kind === 'record') return recordElement(uid, element);
  const { revision, tag } = element;
  return { kind, uid, revision: BigInt(revision), tag: parseBase64url(tag), deleted: false };
}

function folderElement({ folderUid, revision, sealedData, covered }: SharedFolder): OtherElement {
  const at = covered && covered.revision > 0n ? covered : { revision, tag: tagOf(sealedData) };
  return {
    kind: 'folder',
    uid: uidOf(folderUid),
    revision: Number(at.revision),
    tag: encodeBase64url(at.tag),
    deleted: false,
    current: Number(revision),
    currentTag: encodeBase64url(tagOf(sealedData)),
  };
}

function departed(uid: Uint8Array, covered: Coverage | undefined): OtherElement | null {
  if (!covered || covered.revision === 0n) return null;
  return { kind: 'record', uid: uidOf(uid), ...coveredIn(covered) };
}

function keyOf({ kind, uid }: OtherElement): string {
  return `${kind}:${uid}`;
}
