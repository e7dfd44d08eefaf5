import { create } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, test } from 'vitest';
import { copy, empty } from '../../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import {
  SecretFileWriteSchema,
  SecretWriteKind,
  SecretWriteSchema,
  type SecretWrite,
} from '../../../../protocol/messages/gen/secrets_pb.js';
import type { RecordContent } from '../../../../protocol/records/content.ts';
import { sealLegacyEcies } from '../../../../protocol/secrets-manager/legacy-crypto.ts';
import {
  sealSecretJson,
  secretFolderKeyOf,
  secretKeyOf,
  wrapSecretKey,
} from '../../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes, type Uid } from '../../../../protocol/uid.ts';
import type { Draft } from '../../../../workers/engine/records/draft.ts';
import type { KeptRevision } from '../../../../workers/engine/records/history.ts';
import {
  RecordTakeOver,
  type RecordTakeOverParts,
} from '../../../../workers/engine/secrets/record-take-over.ts';
import type { WriteRights } from '../../../../workers/engine/secrets/write-rights.ts';

const now = 1_700_000_000_000;
const accountUid = newUid();
const applicationUid = newUid();
const folderUid = newUid();
const everything: WriteRights = { requireRecord: () => undefined, requireFolder: () => undefined };

/** A vault of one account: revisions of records, the oldest first. */
class Vault {
  readonly records = new Map<
    Uid,
    { readonly key: Uint8Array<ArrayBuffer>; readonly revisions: KeptRevision[] }
  >();
  readonly placed: Uid[] = [];
  readonly owner = generateEcdhKeyPair();
  /** Of the shared folder, the newest first. */
  readonly folderKeys = [randomBytes(32)];
  /** Thrown instead of the write after so many. */
  failsAfter = Infinity;
  /** Revisions that the server does not show. */
  readonly hidden = new Set<bigint>();
  readonly signal = new AbortController().signal;

  put(recordUid: Uid, content: RecordContent): void {
    const known = this.records.get(recordUid) ?? { key: randomBytes(32), revisions: [] };
    const revision = BigInt(known.revisions.length + 1);
    known.revisions.push({ revision, keyVersion: 1, content });
    this.records.set(recordUid, known);
  }

  contents(recordUid: Uid): RecordContent[] {
    return this.#require(recordUid).revisions.map(({ content }) => content);
  }

  passwords(recordUid: Uid): unknown[] {
    return this.contents(recordUid).map(
      ({ fields }) => fields.find(({ type }) => type === 'password')?.value[0],
    );
  }

  /** A write on that revision, as an application with its version's key makes one. */
  async write(recordUid: Uid, number: number, base: number, content: object): Promise<SecretWrite> {
    const scope = { accountUid, recordUid, baseRevision: BigInt(base) };
    const data = await sealSecretJson(secretKeyOf(this.#require(recordUid).key, scope), content);
    return create(SecretWriteSchema, {
      ...this.#frame(recordUid, number, SecretWriteKind.UPDATE),
      baseRevision: BigInt(base),
      data,
    });
  }

  async creation(
    recordUid: Uid,
    number: number,
    key: Uint8Array<ArrayBuffer>,
    content: object,
    folderKey = this.folderKeys[0] ?? randomBytes(32),
  ): Promise<SecretWrite> {
    return create(SecretWriteSchema, {
      ...this.#frame(recordUid, number, SecretWriteKind.CREATE),
      data: await sealSecretJson(key, content),
      ownerKey: await sealLegacyEcies(this.owner.publicKey, key),
      folderKey: await wrapSecretKey(secretFolderKeyOf(folderKey, accountUid, folderUid), key),
      place: { folderUid: uidBytes(folderUid), subfolderUid: empty },
    });
  }

  takeOver(): RecordTakeOver {
    let written = 0;
    const parts = {
      ...{ accountUid, now: () => now, signal: this.signal },
      book: {
        get: (uid: Uid) => this.records.get(uid) ?? null,
        hasOwn: (uid: Uid) => this.records.has(uid),
        revisionOf: (uid: Uid) => BigInt(this.#require(uid).revisions.length),
      },
      writer: {
        draftOf: async (uid: Uid) => this.#draft(uid),
        write: async (drafts: readonly Draft[]) => {
          for (const { uid, key, content } of drafts) {
            if (written++ >= this.failsAfter) throw new ProtocolError('offline', 'the line broke');
            if (!this.records.has(uid)) this.records.set(uid, { key: copy(key), revisions: [] });
            this.put(uid, content);
          }
        },
      },
      history: {
        since: async (uid: Uid, revision: bigint) => {
          const shown = this.#require(uid).revisions.filter((one) => one.revision >= revision);
          if (shown.some((one) => this.hidden.has(one.revision))) throw new ProtocolError('not-found');
          return shown;
        },
        keyOf: async (uid: Uid) => copy(this.#require(uid).key),
      },
      applications: {
        all: async () => [{ uid: applicationUid }],
        ownerKeys: async () => ({ ...this.owner, privateKey: copy(this.owner.privateKey) }),
      },
      shares: {
        shares: {
          entry: (_: Uid, uid: Uid) => (this.placed.includes(uid) ? {} : null),
          folders: new Map([[folderUid, { ownerUid: accountUid }]]),
        },
        keyring: { ofFolderEver: async () => this.folderKeys.map(copy) },
      },
      entries: {
        add: async ({ recordUids }: { recordUids: readonly Uid[] }) => void this.placed.push(...recordUids),
      },
      files: {
        takeOverFile: async ({ fileUid }: { fileUid: Uint8Array }) => ({
          ...{ fileUid: Buffer.from(fileUid).toString('base64url'), name: 'a', size: 1, mediaType: '' },
          ...{ key: 'A'.repeat(43), chunks: 1 },
        }),
      },
    };
    return new RecordTakeOver(parts as unknown as RecordTakeOverParts);
  }

  #draft(uid: Uid): Draft {
    const { key, revisions } = this.#require(uid);
    const { content } = revisions.at(-1) ?? { content: { type: 'login', title: '', fields: [] } };
    const policy = { connections: true, launchUntilMs: 0n, maxSessions: 0 };
    return { uid, key: copy(key), baseRevision: BigInt(revisions.length), content, policy };
  }

  #frame(recordUid: Uid, number: number, kind: SecretWriteKind) {
    return {
      ...{ objectUid: uidBytes(recordUid), write: BigInt(number), kind, keyVersion: 1 },
      ...{ applicationUid: uidBytes(applicationUid), writtenAtMs: BigInt(now) },
    };
  }

  #require(uid: Uid) {
    const known = this.records.get(uid);
    if (!known) throw new ProtocolError('not-found', 'no such record');
    return known;
  }
}

const login = (password: string, title = 'Database') => ({
  ...{ type: 'login', title },
  fields: [{ type: 'password', value: [password] }],
});

let vault: Vault;
let recordUid: Uid;
beforeEach(() => {
  vault = new Vault();
  recordUid = newUid();
  vault.put(recordUid, login('one'));
});

describe('a write of an application', () => {
  test('is taken over once: the same number again is done already', async () => {
    const write = await vault.write(recordUid, 7, 1, login('two'));
    expect(await vault.takeOver().update(write, everything)).toBe('taken');
    // Another device of the account, or this one after it was cut off.
    expect(await vault.takeOver().update(write, everything)).toBe('taken');
    expect(vault.passwords(recordUid)).toEqual(['one', 'two']);
  });

  test('of a base that was taken from is refused, by every vault that did not do that itself just now', async () => {
    const [first, second] = [
      await vault.write(recordUid, 7, 1, login('two')),
      await vault.write(recordUid, 8, 1, login('three')),
    ];
    const takeOver = vault.takeOver();
    await takeOver.update(first, everything);
    const replayed = { code: 'replayed' };
    await expect(vault.takeOver().update(second, everything)).rejects.toMatchObject(replayed);
    // The server said `conflict`: the application wrote again meanwhile.
    expect(await takeOver.update(second, everything)).toBe('taken');
    expect(vault.passwords(recordUid).at(-1)).toBe('three');
    takeOver.settled([recordUid]);
    const third = await vault.write(recordUid, 9, 1, login('four'));
    await expect(takeOver.update(third, everything)).rejects.toMatchObject(replayed);
    expect(vault.passwords(recordUid).at(-1)).toBe('three');
  });

  test('that takes back what the application wrote a moment before leaves the record as it was', async () => {
    const takeOver = vault.takeOver();
    await takeOver.update(await vault.write(recordUid, 7, 1, login('two', 'Renamed')), everything);
    expect(await takeOver.update(await vault.write(recordUid, 8, 1, login('two')), everything)).toBe('taken');
    expect(vault.contents(recordUid).at(-1)).toMatchObject(login('two'));
    expect(await takeOver.update(await vault.write(recordUid, 9, 1, login('one')), everything)).toBe('taken');
    expect(vault.contents(recordUid).at(-1)).toMatchObject(login('one'));
  });

  test('that could not be stored is taken over by the next try', async () => {
    const [takeOver, write] = [vault.takeOver(), await vault.write(recordUid, 7, 1, login('two'))];
    vault.failsAfter = 0;
    await expect(takeOver.update(write, everything)).rejects.toMatchObject({ code: 'offline' });
    vault.failsAfter = Infinity;
    expect(await takeOver.update(write, everything)).toBe('taken');
    expect(vault.passwords(recordUid)).toEqual(['one', 'two']);
  });

  test('is refused while a revision since is not shown: it may say that the base was taken from', async () => {
    const write = await vault.write(recordUid, 7, 1, login('two'));
    vault.put(recordUid, login('by a person'));
    vault.put(recordUid, login('by a person again'));
    vault.hidden.add(2n);
    await expect(vault.takeOver().update(write, everything)).rejects.toMatchObject({ code: 'not-found' });
    expect(vault.contents(recordUid)).toHaveLength(3);
  });

  test('on a record that moved on is one revision with both: a server that takes no more leaves none with what was before', async () => {
    const write = await vault.write(recordUid, 7, 1, { ...login('one'), notes: 'by a script' });
    vault.put(recordUid, login('rotated', 'Main database'));
    vault.failsAfter = 1;
    expect(await vault.takeOver().update(write, everything)).toBe('taken');
    expect(vault.contents(recordUid)).toHaveLength(3);
    expect(vault.contents(recordUid).at(-1)).toMatchObject({
      ...login('rotated', 'Main database'),
      notes: 'by a script',
    });
    // And that is done.
    expect(await vault.takeOver().update(write, everything)).toBe('taken');
    expect(vault.contents(recordUid)).toHaveLength(3);
  });

  test('that is the vault’s own version, played back, makes no revision and takes no file off', async () => {
    const fileUid = newUid();
    const ref = { ...{ fileUid, name: 'a', size: 1, mediaType: '' }, ...{ key: 'A'.repeat(43), chunks: 1 } };
    const content = { ...login('two'), fields: [...login('two').fields, { type: 'fileRef', value: [ref] }] };
    vault.put(recordUid, content);
    const version = { ...content, fields: [...login('two').fields, { type: 'fileRef', value: [fileUid] }] };
    const write = await vault.write(recordUid, 7, 2, version);
    vault.put(recordUid, { ...content, title: 'Main database' });
    const forged = create(SecretWriteSchema, { ...write, removedFileUids: [uidBytes(fileUid)] });
    expect(await vault.takeOver().update(forged, everything)).toBe('taken');
    expect(vault.contents(recordUid)).toHaveLength(3);
  });

  test('takes off the attachments that it names no more, and none that only the server names', async () => {
    const [kept, gone] = [newUid(), newUid()];
    const ref = (fileUid: Uid) => ({
      ...{ fileUid, name: 'a', size: 1, mediaType: '' },
      ...{ key: 'A'.repeat(43), chunks: 1 },
    });
    vault.put(recordUid, {
      ...login('two'),
      fields: [{ type: 'fileRef', value: [ref(kept), ref(gone)] }],
    });
    const write = await vault.write(recordUid, 7, 2, {
      ...login('three'),
      fields: [{ type: 'fileRef', value: [kept] }],
    });
    const said = create(SecretWriteSchema, { ...write, removedFileUids: [kept, gone].map(uidBytes) });
    expect(await vault.takeOver().update(said, everything)).toBe('taken');
    const fields = vault.contents(recordUid).at(-1)?.fields;
    expect(fields?.find(({ type }) => type === 'fileRef')?.value).toMatchObject([{ fileUid: kept }]);
  });

  test('waits a day for its files', async () => {
    const fileUid = newUid();
    const fileOf = (uid: Uid, size: bigint) =>
      create(SecretFileWriteSchema, { fileUid: uidBytes(uid), size });
    const write = await vault.write(recordUid, 7, 1, login('two'));
    const onTheWay = create(SecretWriteSchema, { ...write, files: [fileOf(fileUid, 0n)] });
    expect(await vault.takeOver().update(onTheWay, everything)).toBe('later');
    expect(vault.contents(recordUid)).toHaveLength(1);
    const arrived = create(SecretWriteSchema, { ...write, files: [fileOf(fileUid, 29n)] });
    expect(await vault.takeOver().update(arrived, everything)).toBe('taken');
    expect(
      vault
        .contents(recordUid)
        .at(-1)
        ?.fields.find(({ type }) => type === 'fileRef')?.value,
    ).toMatchObject([{ fileUid }]);

    const later = create(SecretWriteSchema, {
      ...(await vault.write(recordUid, 8, 2, login('three'))),
      writtenAtMs: BigInt(now - 25 * 60 * 60_000),
      files: [fileOf(newUid(), 0n)],
    });
    expect(await vault.takeOver().update(later, everything)).toBe('taken');
  });

  test('on a revision that there is not', async () => {
    for (const base of [0, 2])
      await expect(
        vault.takeOver().update(await vault.write(recordUid, 7, base, login('two')), everything),
      ).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a record that an application created', () => {
  test('is made once, and put where it belongs by whoever finds it unplaced', async () => {
    const [created, key] = [newUid(), randomBytes(32)];
    const write = await vault.creation(created, 3, key, login('new', 'Created'));
    await vault.takeOver().create(write, everything);
    vault.placed.length = 0; // cut off before that
    await vault.takeOver().create(write, everything);
    expect(vault.passwords(created)).toEqual(['new']);
    expect(vault.placed).toEqual([created]);
    expect(vault.records.get(created)?.key).not.toEqual(key); // the application has that one
  });

  test('and changed before the server knew of that: the change counts, once', async () => {
    const [created, key] = [newUid(), randomBytes(32)];
    const takeOver = vault.takeOver();
    await takeOver.create(await vault.creation(created, 3, key, login('new', 'Created')), everything);
    await takeOver.create(await vault.creation(created, 4, key, login('newer', 'Created')), everything);
    expect(vault.passwords(created).at(-1)).toBe('newer');
    takeOver.settled([created]);
    const replayed = await vault.creation(created, 5, key, login('new', 'Created'));
    await expect(takeOver.create(replayed, everything)).rejects.toMatchObject({ code: 'replayed' });
  });

  test('before its shared folder had another key is taken over all the same', async () => {
    const [created, former] = [newUid(), randomBytes(32)];
    vault.folderKeys.push(former);
    const write = await vault.creation(created, 3, randomBytes(32), login('new', 'Created'), former);
    await vault.takeOver().create(write, everything);
    expect(vault.passwords(created)).toEqual(['new']);
  });

  test.each([
    ['under another folder’s key', async ({ folderKey }: SecretWrite) => ({ folderKey }), randomBytes(32)],
    ['under none', async () => ({ folderKey: empty }), undefined],
    [
      'beside another record’s under the folder’s key',
      async () => ({
        folderKey: (await vault.creation(newUid(), 4, randomBytes(32), login('other'))).folderKey,
      }),
      undefined,
    ],
  ])('whose key is %s, is nobody’s who had the folder’s', async (_name, forge, folderKey) => {
    const created = newUid();
    const write = await vault.creation(created, 3, randomBytes(32), login('new'), folderKey);
    const forged = create(SecretWriteSchema, { ...write, ...(await forge(write)) });
    await expect(vault.takeOver().create(forged, everything)).rejects.toMatchObject({ code: 'open-failed' });
    expect(vault.records.has(created)).toBe(false);
  });

  test('under the uid of a person’s record', async () => {
    const write = await vault.creation(recordUid, 3, randomBytes(32), login('mine'));
    await expect(vault.takeOver().create(write, everything)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(vault.passwords(recordUid)).toEqual(['one']);
  });
});
