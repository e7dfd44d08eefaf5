// Strange numbers and names under signatures that hold: what passes every other check reaches the store.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { AccountService, LoginFactor } from '../../../protocol/messages/gen/account_pb.js';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { RecoveryService } from '../../../protocol/messages/gen/recovery_pb.js';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { signDeviceProof } from '../../../protocol/signed/device-proof.ts';
import { signFolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import { viewRights } from '../../../protocol/sharing/rights.ts';
import { newManifest, sealManifest } from '../../../protocol/vault/manifest.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { ApiClient, envelopeOf } from '../../fixtures/api-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { registerPeople, type Person } from '../../fixtures/sharing-client.ts';

const { putRecords, purgeRecords, putCards, sync, listHistory } = RecordService.method;
const { putFolder, putEntries, putGrants } = SharingService.method;
const revisions = [2n ** 31n - 1n, 2n ** 31n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const keyVersions = [0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const names = ['\0', 'a\0b', '\u0007', '\u202e', 'x'.repeat(101)];
const refusals = ['conflict', 'malformed', 'not-found', 'not-allowed', 'expired', 'bad-signature'];

describe('strange input that is signed', () => {
  let open: OpenServer;
  let owner: Person, other: Person;
  let record: Uid, folder: Uid;
  beforeAll(async () => {
    open = await startOpenServer();
    [owner, other] = (await registerPeople(open, 2)) as [Person, Person];
    [record, folder] = [await owner.create(), await owner.createFolder()];
  });
  afterAll(() => open.close());

  const refused = async (call: Promise<unknown>) => expect(refusals).toContain(await codeOf(call));
  type Input = Omit<MessageInitShape<typeof putRecords.input>, '$typeName' | '$unknown'>;
  const write = (input: Input) =>
    owner.client.writeNext((manifest) => owner.client.call(putRecords, { ...input, manifest }));

  test.each(revisions)('revision %s of a record, card or folder', async (revision) => {
    const recordUid = uidBytes(record);
    const change = await owner.change('x', { recordUid, baseRevision: revision - 1n });
    await refused(write({ changes: [change] }));
    await refused(write({ adopted: [{ recordUid, revision, signature: new Uint8Array(64) }] }));
    await refused(write({ adoptedFolders: [{ folderUid: uidBytes(folder), revision }] }));
    for (const sealed of [envelopeOf('card'), new Uint8Array(0)])
      await refused(
        owner.client.writeNext((manifest) =>
          owner.client.call(putCards, {
            changes: [{ objectUid: recordUid, baseRevision: revision, sealed }],
            manifest,
          }),
        ),
      );
    await refused(
      owner.client.writeNext((manifest) =>
        owner.client.call(purgeRecords, { records: [{ recordUid, revision }], manifest }),
      ),
    );
    const renamed = await owner.folderChange(folder, revision - 1n);
    await refused(
      owner.client.writeNext((manifest) => owner.client.call(putFolder, { ...renamed, manifest })),
    );
    const before = await codeOf(owner.client.call(listHistory, { recordUid, beforeRevision: revision }));
    expect(['done', 'malformed']).toContain(before);
    expect(['done', 'malformed']).toContain(await codeOf(owner.client.call(sync, { cursor: revision })));
  });

  test('the largest revision of all, whose successor is none', async () => {
    const recordUid = uidBytes(record);
    const change = await owner.change('x', { recordUid });
    await refused(write({ changes: [{ ...change, baseRevision: 2n ** 64n - 1n }] }));
    const renamed = { ...(await owner.folderChange(folder)), baseRevision: 2n ** 64n - 1n };
    await refused(
      owner.client.writeNext((manifest) => owner.client.call(putFolder, { ...renamed, manifest })),
    );
  });

  test.each(keyVersions)('key version %s', async (keyVersion) => {
    const recordUid = uidBytes(record);
    const sealedFormerKey = envelopeOf('former');
    const change = await owner.change('x', { recordUid, baseRevision: 1n, keyVersion });
    await refused(write({ changes: [{ ...change, sealedFormerKey }] }));
    await refused(write({ changes: [await owner.change('new', { keyVersion })] }));
    const renamed = await owner.folderChange(folder, 1n, owner.uid, keyVersion);
    await refused(
      owner.client.writeNext((manifest) => owner.client.call(putFolder, { ...renamed, manifest })),
    );
    for (const granteeKeyVersion of [0, keyVersion]) {
      const grants = [await owner.grant(record, other, { keyVersion, granteeKeyVersion })];
      await refused(owner.client.call(putGrants, { grants }));
    }
    const place = { uid: folder, owner: owner.uid };
    const entries = [await owner.entry(place, { uid: record, owner: owner.uid }, {}, keyVersion)];
    await refused(owner.client.call(putEntries, { entries }));
    await refused(owner.client.call(putEntries, { entries: [await entryUnder(keyVersion)] }));
  });

  test.each([-1, 2 ** 53, 2 ** 62])('a grant that ends at %s, or was given then', async (moment) => {
    const ends = [await owner.grant(record, other, { expiresAtMs: moment })];
    await refused(owner.client.call(putGrants, { grants: ends }));
    const given = [await owner.grant(record, other, { issuedAtMs: moment })];
    await refused(owner.client.call(putGrants, { grants: given }));
  });

  test.each([0n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])('manifest version %s', async (version) => {
    const manifest = await sealManifest(owner.client.account, { ...newManifest(1n), version });
    for (const rebuilt of [false, true])
      await refused(
        owner.client.call(putRecords, {
          ...{ manifest, rebuilt },
          changes: rebuilt ? [] : [await owner.change('new')],
        }),
      );
  });

  test('a manifest that is made anew comes by itself, above the last one', async () => {
    const { manifest: last } = await owner.client.call(sync, { cursor: 2n ** 50n });
    const stored = last?.version ?? 0n;
    const rebuild = async (version: bigint, changes: Awaited<ReturnType<Person['change']>>[] = []) => {
      const manifest = await sealManifest(owner.client.account, { ...newManifest(1n), version });
      return await codeOf(owner.client.call(putRecords, { manifest, rebuilt: true, changes }));
    };
    expect(await rebuild(stored)).toBe('conflict');
    expect(await rebuild(stored + 1n, [await owner.change('beside')])).toBe('malformed');
    expect(await rebuild(stored + 5n)).toBe('done');
  });

  test.each(names)('a device that is called %j', async (name) => {
    const device = { ...other.client.deviceMessage(), deviceUid: uidBytes(newUid()), name };
    const requestUid = uidBytes(newUid());
    const deviceProof = await signDeviceProof(other.client.device, {
      ...{ method: 'RecoveryService/RequestRecovery', loginUid: requestUid, deviceUid: device.deviceUid },
    });
    const temporaryKey = generateEcdhKeyPair().publicKey;
    const request = { requestUid, email: 'nobody@example.test', temporaryKey, device, deviceProof };
    const code = await codeOf(other.client.call(RecoveryService.method.requestRecovery, request));
    expect(name === '\u202e' ? ['done', 'malformed'] : ['malformed']).toContain(code);
    const client = await ApiClient.connect(open.server.url);
    client.deviceMessage = () => ({ ...device, publicKey: client.device.publicKey });
    const registered = await codeOf(client.register(`${newUid()}@example.test`, 'correct horse battery'));
    expect(name === '\u202e' ? ['done', 'malformed'] : ['malformed']).toContain(registered);
  });

  test('an address with what no address has', async () => {
    for (const email of ['a\0@example.test', 'a@b\0', '\0', `${'x'.repeat(300)}@example.test`]) {
      const start = { email, factor: LoginFactor.PASSWORD, loginRequest: 'AAAA' };
      await refused(other.client.call(AccountService.method.startLogin, start));
    }
  });

  async function entryUnder(folderKeyVersion: number) {
    const keys = { sealedKey: envelopeOf('key'), sealedLaunchKey: envelopeOf('launch') };
    const entry = {
      ...{ folderUid: folder, folderOwnerUid: owner.uid, recordUid: record, recordOwnerUid: owner.uid },
      ...{ authorUid: owner.uid, rights: viewRights, issuedAtMs: Date.now(), recordKeyVersion: 1 },
      ...{ folderKeyVersion, firstFolderKeyVersion: folderKeyVersion },
    };
    return await signFolderEntry(owner.signer, entry, keys);
  }
});
