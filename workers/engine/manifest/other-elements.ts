import { encodeBase64url, parseBase64url } from '../../../protocol/bytes.ts';
import type { Coverage, Record, Removal } from '../../../protocol/messages/gen/record_pb.js';
import type { SharedFolder } from '../../../protocol/messages/gen/sharing_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { tagOf, type ManifestElement } from '../../../protocol/vault/manifest.ts';
import { coveredIn, recordElement, type Covered } from '../records/known-record.ts';
import type { RecordOpener } from '../records/record-opener.ts';
import type { VaultSet } from './vault-set.ts';

/** What the manifest covers besides own records and cards, in a form that can be stored. */
export interface OtherElement extends Covered {
  readonly kind: 'record' | 'folder';
  readonly uid: Uid;
  /** Of a folder: its newest revision, when somebody else wrote it. */
  readonly current?: number;
  readonly currentTag?: string;
}

export interface OtherParts {
  readonly accountUid: Uid;
  readonly set: VaultSet;
  readonly opener: Pick<RecordOpener, 'isHandedOn'>;
  /** Whether that account may change the content of an own shared folder. */
  readonly mayWriteFolder: (writerUid: Uid, folderUid: Uid, keyVersion: number) => boolean;
}

/** Departed records, and folders that wait, of which a server has no end. */
const most = 10_000;

/** Own shared folders, and records that others took over and that the manifest has not left out yet. */
export class OtherElements {
  readonly #parts: OtherParts;
  #known = new Map<string, OtherElement>();
  /** Folders whose writers may not write them, as far as is known yet. */
  #waiting = new Map<Uid, SharedFolder>();

  constructor(parts: OtherParts) {
    this.#parts = parts;
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

  /** Whether folders wait for what is still to come. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Of shared folders whose signatures hold: what the own manifest covers. */
  ofFolders(folders: readonly SharedFolder[]): OtherElement[] {
    const { accountUid } = this.#parts;
    return folders
      .filter(({ ownerUid }) => uidOf(ownerUid) === accountUid)
      .map((folder) => this.#ofFolder(folder))
      .filter((element) => element !== null);
  }

  /** The same of those that waited: who may write them is known by now. */
  late(): OtherElement[] {
    const waiting = [...this.#waiting.values()];
    this.#waiting = new Map();
    const late = this.ofFolders(waiting);
    this.#waiting = new Map();
    return late;
  }

  /** What the manifest still covers of a record that this account signed over; null when it did not. */
  ofDeparted(row: Record): OtherElement | null {
    const { recordUid, ownerUid, covered, handovers } = row;
    return this.#departed(uidOf(recordUid), uidOf(ownerUid), covered, handovers);
  }

  /** The same of one that the account does not see any more. */
  ofGone({ objectUid, covered, handovers }: Removal): OtherElement | null {
    return this.#departed(uidOf(objectUid), null, covered, handovers);
  }

  *elements(): Iterable<ManifestElement> {
    for (const element of this.#known.values()) yield otherElement(element);
  }

  load(elements: readonly OtherElement[]): void {
    this.#known = new Map(elements.map((element) => [keyOf(element), element]));
    this.#waiting = new Map();
  }

  put(element: OtherElement): void {
    const former = this.#known.get(keyOf(element));
    if (!former && this.#known.size >= 2 * most) return;
    this.#parts.set.change(former ? otherElement(former) : null, otherElement(element));
    this.#known.set(keyOf(element), element);
  }

  remove(kind: OtherElement['kind'], uid: Uid): void {
    const former = this.#known.get(`${kind}:${uid}`);
    if (former) this.#parts.set.change(otherElement(former), null);
    this.#known.delete(`${kind}:${uid}`);
  }

  /**
   * What its owner wrote is covered itself. Of what a member wrote, the server says which older revision is: it counts
   * once that member may write.
   */
  #ofFolder(folder: SharedFolder): OtherElement | null {
    const { accountUid, mayWriteFolder } = this.#parts;
    const { covered, revision, writerUid } = folder;
    const [uid, writer] = [uidOf(folder.folderUid), uidOf(writerUid)];
    const current = { revision: Number(revision), tag: encodeBase64url(tagOf(folder.sealedData)) };
    const isAhead = covered !== undefined && covered.revision > 0n && covered.revision < revision;
    const place = { kind: 'folder' as const, uid, keyVersion: 0, deleted: false };
    const ahead = { current: current.revision, currentTag: current.tag };
    if (!isAhead || writer === accountUid) return { ...place, ...current, ...ahead };
    if (!mayWriteFolder(writer, uid, folder.keyVersion)) {
      if (this.#waiting.size < most) this.#waiting.set(uid, folder);
      return null;
    }
    return { ...place, revision: Number(covered.revision), tag: encodeBase64url(covered.tag), ...ahead };
  }

  #departed(
    uid: Uid,
    toUid: Uid | null,
    covered: Coverage | undefined,
    handovers: Record['handovers'],
  ): OtherElement | null {
    if (!covered || covered.revision === 0n || toUid === this.#parts.accountUid) return null;
    if (!this.#parts.opener.isHandedOn(uid, toUid, covered, handovers)) return null;
    return { kind: 'record', uid, ...coveredIn(covered) };
  }
}

export function otherElement(element: OtherElement): ManifestElement {
  const { kind, uid } = element;
  if (kind === 'record') return recordElement(uid, element);
  const { revision, tag } = element;
  return { kind, uid, revision: BigInt(revision), keyVersion: 0, tag: parseBase64url(tag), deleted: false };
}

function keyOf({ kind, uid }: OtherElement): string {
  return `${kind}:${uid}`;
}
