import type { MessageInitShape } from '@bufbuild/protobuf';
import { empty, wipe } from '../../../protocol/bytes.ts';
import { verifySignature } from '../../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { signatureContexts } from '../../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type {
  StageKeyRotationRequestSchema,
  TakenRecord,
} from '../../../protocol/messages/gen/key-rotation_pb.js';
import type { Record } from '../../../protocol/messages/gen/record_pb.js';
import { parseGrant } from '../../../protocol/sharing/grant.ts';
import { signFolder } from '../../../protocol/signed/folder-signature.ts';
import { signAdoption, signRevision } from '../../../protocol/signed/record-signature.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { sealCard } from '../../../protocol/vault/card.ts';
import { unwrapFolderKey, wrapFolderKey } from '../../../protocol/vault/folder-seal.ts';
import { tagOf, type ManifestElement } from '../../../protocol/vault/manifest.ts';
import { unwrapRecordKey, wrapRecordKey } from '../../../protocol/vault/record-seal.ts';
import type { KnownFolder } from '../sharing/known-shares.ts';
import { sealGrant, type GivenObject } from '../sharing/share-seal.ts';
import type { KnownRecord } from '../records/known-record.ts';
import type { UnlockedVault } from '../unlocked-vault.ts';
import { notesUnder } from './rotated-notes.ts';
import { takenAnew } from './taken-records.ts';
import type { PlannedGrant, RotationPlan } from './rotation-plan.ts';

/** A page of what is staged. */
export type Page = Omit<MessageInitShape<typeof StageKeyRotationRequestSchema>, 'rotationUid' | '$typeName'>;

/** What goes into one request, and how many of the things that are to be done that is. */
export interface Staged {
  readonly page: Page;
  readonly things: number;
}

/** Things of a page: signing them takes a tenth of a second. */
const pageSize = 250;
/** Of what is sealed in a page, far below a request's bound; one thing is always smaller. */
const pageBytes = limits.apiBody / 4;

/** Everything of an account under new keys, page by page, without anything of it ever being out of its seal but keys. */
export class RotatedItems {
  readonly #vault: UnlockedVault;
  readonly #plan: RotationPlan;
  readonly #next: AccountKeys;
  readonly #cards = new Map<Uid, Uint8Array>();
  readonly #taken: readonly TakenRecord[];
  /** By which records of this account went to others. */
  readonly #offers: { readonly recordUid: Uint8Array; readonly body: Uint8Array }[] = [];

  /** `taken`: what the server keeps as this account's word that it took records over. */
  constructor(
    vault: UnlockedVault,
    plan: RotationPlan,
    next: AccountKeys,
    taken: readonly TakenRecord[] = [],
  ) {
    this.#vault = vault;
    this.#plan = plan;
    this.#next = next;
    this.#taken = taken;
  }

  /** Things in all pages, about. */
  get count(): number {
    const { data } = this.#vault;
    return (
      [...data.book.all()].length +
      [...data.cards.all()].length +
      this.#plan.grants.length +
      this.#plan.entries.length
    );
  }

  /** Throws `conflict` when something changed that the plan was made of. */
  async *pages(): AsyncGenerator<Staged> {
    const { data, sharing } = this.#vault;
    const { shares } = sharing.office.parts.shares;
    const copies = await data.writer.copiesSignedBy(this.#next.signer);
    yield* sealed(
      [...data.book.all()],
      (known) => this.#record(known),
      (records) => ({ records }),
    );
    const offers = sealed(
      this.#offers,
      async ({ recordUid, body }) => ({
        ...{ recordUid, body },
        signature: await this.#next.signer.sign(signatureContexts.grant, body),
      }),
      (handovers) => ({ handovers }),
    );
    for await (const { page } of offers) yield { page, things: 0 }; // counted with their records
    const words = sealed(
      this.#taken.filter(({ recordUid }) => this.#isTaken(uidOf(recordUid))),
      (taken) => takenAnew(taken, this.#vault.account.keys, this.#next.signer),
      (takeOvers) => ({ takeOvers }),
    );
    for await (const { page } of words) yield { page, things: 0 };
    yield* sealed(
      [...data.cards.all()],
      (card) => this.#card(card),
      (cards) => ({ cards }),
      (card) => card.sealed.length,
    );
    yield* sealed(
      [...shares.folders.values()],
      (folder) => this.#folder(folder),
      (folders) => ({ folders }),
    );
    yield* sealed(
      this.#plan.grants,
      (grant) => this.#grant(grant),
      (grants) => ({ grants }),
    );
    yield* sealed(
      this.#plan.entries,
      ({ message }) => this.#entry(message.body),
      (entries) => ({ entries }),
    );
    yield* sealed(
      copies,
      (copy) => Promise.resolve(copy),
      (some) => ({ copies: some }),
      ({ data = empty }) => data.length,
    );
    yield* sealed(
      await notesUnder(this.#vault, this.#next),
      (note) => Promise.resolve(note),
      (notes) => ({ notes }),
      ({ sealed = empty }) => sealed.length,
    );
  }

  /** What the manifest is to cover: as it does, with the cards as they are sealed now. After the last page. */
  *elements(): Iterable<ManifestElement> {
    for (const element of this.#vault.data.elements()) {
      const sealed = element.kind === 'card' ? this.#cards.get(element.uid) : undefined;
      if (element.kind === 'card' && !sealed) throw changed();
      yield sealed ? { ...element, tag: tagOf(sealed) } : element;
    }
  }

  async #record(known: KnownRecord) {
    const { data, account } = this.#vault;
    const row = await data.book.row(known.uid);
    if (Number(row.revision) !== known.revision) throw changed();
    this.#offers.push(...offersIn(row, account.keys));
    const own = data.book.isOwn(known);
    const isWriter = uidOf(row.writerUid) === account.keys.accountUid;
    if (!own && !isWriter) return null;
    const isAdopted = own && !isWriter && known.covered === null; // the manifest covers what somebody else wrote
    if (!known.proved) throw new ProtocolError('untrusted', 'nothing vouches for a record of the vault');
    const { recordUid, revision, keyVersion } = row;
    return {
      ...{ recordUid, revision, keyVersion },
      ...(own && { sealedKey: await this.#recordKey(known.uid, row) }),
      ...(isWriter && { signature: await signRevision(this.#next.signer, statementOf(row)) }),
      ...(isAdopted && { adoptionSignature: await this.#adoption(row) }),
    };
  }

  /** A record that this account has, or that it handed on: whoever has its former key cannot have other words signed. */
  #isTaken(recordUid: Uid): boolean {
    const { book } = this.#vault.data;
    const known = book.get(recordUid);
    if (known === null || !known.proved) return false;
    return book.isOwn(known) || this.#offers.some((offer) => uidOf(offer.recordUid) === recordUid);
  }

  async #recordKey(recordUid: Uid, { keyVersion, sealedKey }: Record) {
    const { keys } = this.#vault.account;
    const scope = { recordUid, ownerUid: keys.accountUid };
    const key = await unwrapRecordKey(keys.dataKey, scope, keyVersion, sealedKey);
    const wrapped = await wrapRecordKey(this.#next.dataKey, scope, keyVersion, key);
    wipe(key);
    return wrapped;
  }

  #adoption(row: Record) {
    return signAdoption(this.#next.signer, { ...statementOf(row), writerUid: uidOf(row.writerUid) });
  }

  async #card(card: Parameters<typeof sealCard>[2] & { readonly uid: Uid; readonly revision: number }) {
    const { accountUid, dataKey } = this.#next;
    const revision = BigInt(card.revision);
    const sealed = await sealCard(dataKey, { accountUid, objectUid: card.uid, revision }, card);
    this.#cards.set(card.uid, sealed);
    return { objectUid: uidBytes(card.uid), revision, sealed };
  }

  async #folder({ uid, ownerUid, message }: KnownFolder) {
    const { keys } = this.#vault.account;
    const own = ownerUid === keys.accountUid;
    const isWriter = uidOf(message.writerUid) === keys.accountUid;
    if (!own && !isWriter) return null;
    const scope = { folderUid: uid, ownerUid };
    const { revision, keyVersion, sealedData } = message;
    const signature = await signFolder(this.#next.signer, { ...scope, revision, keyVersion, sealedData });
    return {
      ...{ folderUid: uidBytes(uid), revision },
      ...(own && { sealedKey: await this.#folderKey(scope, message.sealedKey) }),
      ...(isWriter && { signature }),
    };
  }

  async #folderKey(scope: { readonly folderUid: Uid; readonly ownerUid: Uid }, sealed: Uint8Array) {
    const key = await unwrapFolderKey(this.#vault.account.keys.dataKey, scope, sealed);
    const wrapped = await wrapFolderKey(this.#next.dataKey, scope, key);
    wipe(key);
    return wrapped;
  }

  /** To the keys that the plan has, and no others. */
  async #grant({ known: { grant }, to }: PlannedGrant) {
    const { objectKind, objectUid, granteeUid, rights, expiresAtMs } = grant;
    const object = await this.#objectOf(grant);
    const issuedAtMs = this.#vault.sharing.office.issuedAt(objectKind, objectUid, granteeUid);
    const sealed = await sealGrant(this.#next, object, to, { rights, expiresAtMs, issuedAtMs });
    wipe(object.key);
    return sealed;
  }

  async #objectOf({
    objectKind: kind,
    objectUid: uid,
    ownerUid,
    keyVersion,
  }: PlannedGrant['known']['grant']): Promise<GivenObject> {
    const { data, sharing } = this.#vault;
    const { shares } = sharing.office.parts;
    const key =
      kind === 'folder'
        ? await shares.keyring.ofFolder('full', uid, ownerUid)
        : await this.#keyOf(uid, ownerUid);
    const version =
      kind === 'folder' ? shares.shares.folders.get(uid)?.message.keyVersion : data.book.get(uid)?.keyVersion;
    if (key === null || (version ?? 1) !== keyVersion) throw changed();
    return { kind, uid, ownerUid, key, keyVersion };
  }

  async #keyOf(uid: Uid, ownerUid: Uid) {
    const { keys } = this.#vault.account;
    const { shares } = this.#vault.sharing.office.parts;
    if (ownerUid !== keys.accountUid) return await shares.recordKey(uid, ownerUid);
    const { keyVersion, sealedKey } = await this.#vault.book.row(uid);
    return await unwrapRecordKey(keys.dataKey, { recordUid: uid, ownerUid }, keyVersion, sealedKey);
  }

  async #entry(body: Uint8Array) {
    return { body, signature: await this.#next.signer.sign(signatureContexts.folderEntry, body) };
  }
}

/** The account's own offers among those that led to the owner of now, as its key of until now signed them. */
function offersIn({ recordUid, handovers }: Record, { accountUid, signer }: AccountKeys) {
  return handovers
    .filter((offer) => isOfferOf(accountUid, signer, offer))
    .map(({ body }) => ({ recordUid, body }));
}

function isOfferOf(
  accountUid: Uid,
  { publicKey }: AccountKeys['signer'],
  offer: Record['handovers'][number],
) {
  try {
    const { ownerUid, granterUid, rights } = parseGrant(offer);
    if (ownerUid !== accountUid || granterUid !== accountUid || !rights.own) return false;
    verifySignature(publicKey, signatureContexts.grant, offer.body, offer.signature);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** What a revision's signatures are over. */
function statementOf(row: Record) {
  const { revision, keyVersion, deleted, sealedData, sealedLaunch } = row;
  return {
    ...{ recordUid: uidOf(row.recordUid), ownerUid: uidOf(row.ownerUid), revision, keyVersion, deleted },
    dataHash: sealedData.length > 0 ? sha256(sealedData) : row.dataHash,
    launchHash: sha256(sealedLaunch),
  };
}

function changed(): ProtocolError {
  return new ProtocolError('conflict', 'the vault was changed meanwhile: look at the preview again');
}

/** Seals them side by side, and gives them in pages that fit a request. `weigh`: of what is not small. */
async function* sealed<T, Sealed>(
  all: readonly T[],
  seal: (one: T) => Promise<Sealed | null>,
  pageOf: (some: Sealed[]) => Page,
  weigh: (one: Sealed) => number = () => 0,
): AsyncGenerator<Staged> {
  for (let i = 0; i < all.length; i += pageSize) {
    const part = all.slice(i, i + pageSize);
    const ready = (await Promise.all(part.map(seal))).filter((one) => one !== null);
    let [page, bytes]: [Sealed[], number] = [[], 0];
    for (const one of ready) {
      if (bytes > pageBytes) {
        yield { page: pageOf(page), things: 0 };
        [page, bytes] = [[], 0];
      }
      page.push(one);
      bytes += weigh(one);
    }
    yield { page: pageOf(page), things: part.length };
  }
}
