import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { RecordService, type PutCardsRequestSchema } from '../../../protocol/messages/gen/record_pb.js';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { signAdoption } from '../../../protocol/signed/record-signature.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { newManifest, sealManifest, tagOf, type Manifest } from '../../../protocol/vault/manifest.ts';
import { envelopeOf, uidText } from '../../fixtures/api-client.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { registerPeople, type NamedChange, type Person } from '../../fixtures/sharing-client.ts';

const { putRecords, purgeRecords, listHistory, putCards } = RecordService.method;
const { putFolder, deleteFolder } = SharingService.method;

describe('the vault at the server', () => {
  let open: OpenServer;
  beforeAll(async () => void (open = await startOpenServer()));
  afterAll(() => open.close());

  test('each write of own things brings the next manifest, and the last page of a sync has the newest', async () => {
    const [owner] = await people(1);
    const first = await owner.change('one');
    await put(owner, [first], 1n);
    expect((await owner.see()).manifest).toMatchObject({ version: 1n });
    const again = async () => owner.change('two', { recordUid: first.recordUid, baseRevision: 1n });
    await expect(put(owner, [await again()], 1n)).rejects.toMatchObject({ code: 'conflict' });
    await expect(put(owner, [await again()], 3n)).rejects.toMatchObject({ code: 'conflict' });
    await expect(owner.client.call(putRecords, { changes: [await again()] })).rejects.toMatchObject({
      code: 'malformed',
    });
    const forged = { ...(await manifest(owner, 2n)), signature: new Uint8Array(64).fill(1) };
    const changes = [await again()];
    await expect(owner.client.call(putRecords, { changes, manifest: forged })).rejects.toMatchObject({
      code: 'bad-signature',
    });
    await put(owner, changes, 2n);
    const cards = [{ objectUid: first.recordUid, baseRevision: 0n, sealed: envelopeOf('card') }];
    await expect(owner.client.call(putCards, { changes: cards })).rejects.toMatchObject({
      code: 'malformed',
    });
    await owner.client.call(putCards, { changes: cards, manifest: await manifest(owner, 3n) });
    const folder = await owner.folderChange(newUid());
    await owner.client.call(putFolder, { ...folder, manifest: await manifest(owner, 4n) });
    const { folderUid } = folder;
    await owner.client.call(deleteFolder, { folderUid, manifest: await manifest(owner, 5n) });
    const { cards: seen, manifest: newest } = await owner.see();
    expect(seen).toMatchObject([{ revision: 1n }]);
    expect(newest).toMatchObject({ version: 5n });
  });

  test('with a manifest, a revision that its writer did not sign does not get in', async () => {
    const [owner] = await people(1);
    const change = await owner.change('one');
    for (const wrong of [
      { ...change, signature: change.signature?.toReversed() ?? change.sealedData },
      { ...change, sealedData: envelopeOf('another') },
      { ...change, sealedLaunch: envelopeOf('another') },
      { ...change, deleted: true },
    ])
      await expect(put(owner, [wrong], 1n)).rejects.toMatchObject({ code: 'bad-signature' });
    await put(owner, [change], 1n);
  });

  test('trash is a revision; purging takes record, history and files away and leaves others a removal', async () => {
    const [owner, reader] = await people(2);
    const change = await owner.change('one');
    const { recordUid } = change;
    await put(owner, [change], 1n);
    await owner.share(uidText(recordUid) as Uid, reader);
    await reader.sync();
    const records = [{ recordUid, revision: 1n }];
    const purge = async (version: bigint) =>
      owner.client.call(purgeRecords, { records, manifest: await manifest(owner, version) });
    await expect(purge(2n)).rejects.toMatchObject({ code: 'conflict' });
    await put(owner, [await owner.change('one', { recordUid, baseRevision: 1n, deleted: true })], 2n);
    expect((await owner.see()).records).toMatchObject([{ deleted: true, covered: { deleted: true } }]);
    expect((await reader.sync()).removals).toMatchObject([{ objectUid: recordUid }]);
    await put(owner, [await owner.change('back', { recordUid, baseRevision: 2n })], 3n);
    expect((await reader.sync()).records).toMatchObject([{ revision: 3n }]);
    await put(owner, [await owner.change('one', { recordUid, baseRevision: 3n, deleted: true })], 4n);
    records[0] = { recordUid, revision: 4n };
    await purge(5n);
    const { records: none, removals } = await owner.see();
    expect(none).toEqual([]);
    expect(removals.map(({ objectUid }) => uidText(objectUid))).toContain(uidText(recordUid));
    await expect(owner.client.call(listHistory, { recordUid })).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      put(owner, [await owner.change('x', { recordUid, baseRevision: 4n })], 6n),
    ).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('history keeps replaced revisions as they were signed, a hundred and the first of the day, page by page', async () => {
    const [owner] = await people(1);
    const first = await owner.change('0', { sealedData: envelopeOf('x'.repeat(250_000)) });
    const { recordUid } = first;
    await put(owner, [first], 1n);
    const large = (i: number) => (i < 20 ? { sealedData: envelopeOf('x'.repeat(250_000)) } : {});
    for (let i = 1; i <= 105; i++)
      await put(
        owner,
        [await owner.change(`${i}`, { recordUid, baseRevision: BigInt(i), ...large(i) })],
        BigInt(i + 1),
      );
    const seen: bigint[] = [];
    let pages = 0;
    for (let beforeRevision = 0n, more = true; more; pages++) {
      const page = await owner.client.call(listHistory, { recordUid, beforeRevision });
      seen.push(...page.revisions.map(({ revision }) => revision));
      [beforeRevision, more] = [seen.at(-1) ?? 0n, page.hasMore];
    }
    expect(seen).toEqual([...Array.from({ length: 100 }, (_, i) => BigInt(105 - i)), 1n]);
    expect(pages).toBeGreaterThan(1);
  });

  test("an editor's revision is adopted by the owner's next manifest", async () => {
    const [owner, editor] = await people(2);
    const change = await owner.change('one');
    const { recordUid } = change;
    await put(owner, [change], 1n);
    await owner.share(uidText(recordUid) as Uid, editor, { rights: { edit: true } });
    const edit = await editor.change('edited', { recordUid, baseRevision: 1n, ownerUid: owner.uid });
    await editor.client.call(putRecords, { changes: [edit] });
    expect((await owner.sync()).records).toMatchObject([{ revision: 2n, covered: { revision: 1n } }]);
    const word = (signer: Person) =>
      signAdoption(signer.signer, {
        ...{ recordUid: uidOf(recordUid), ownerUid: owner.uid, writerUid: editor.uid },
        ...{ revision: 2n, keyVersion: 1, deleted: false },
        ...{ dataHash: sha256(edit.sealedData), launchHash: sha256(edit.sealedLaunch) },
      });
    const adopt = async (revision: bigint, signer = owner) =>
      owner.client.call(putRecords, {
        adopted: [{ recordUid, revision, signature: await word(signer) }],
        manifest: await manifest(owner, 2n),
      });
    await expect(adopt(1n)).rejects.toMatchObject({ code: 'conflict' });
    await expect(adopt(2n, editor)).rejects.toMatchObject({ code: 'bad-signature' });
    await adopt(2n);
    // Everybody who sees the record gets its owner's word with it.
    expect((await editor.sync()).records).toMatchObject([{ adoptionSignature: await word(owner) }]);
    const [seen] = (await owner.sync()).records;
    expect(seen?.covered).toMatchObject({ revision: 2n, tag: tagOf(edit.sealedData) });
    // Another device of the owner was first: its manifest would take the same thing in twice.
    await expect(adopt(2n)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('an editor changes content alone: not key, policy, trash or copies of others', async () => {
    const [owner, editor] = await people(2);
    const record = await owner.create();
    await owner.share(record, editor, { rights: { edit: true } });
    const edit = (changes: Partial<NamedChange>) =>
      editor.change('edited', {
        recordUid: uidBytes(record),
        baseRevision: 1n,
        ownerUid: owner.uid,
        ...changes,
      });
    const refuse = async (changes: Partial<NamedChange>, code: string) =>
      expect(editor.client.call(putRecords, { changes: [await edit(changes)] })).rejects.toMatchObject({
        code,
      });
    await refuse({ sealedKey: envelopeOf('key') }, 'not-allowed');
    await refuse({ deleted: true }, 'not-allowed');
    await refuse({ keyVersion: 2 }, 'conflict');
    await refuse({ takeOver: true, sealedKey: envelopeOf('key') }, 'not-allowed');
    const copy = {
      applicationUid: uidBytes(newUid()),
      recordUid: uidBytes(record),
      data: envelopeOf('data'),
    };
    await refuse({ applicationCopies: [copy] }, 'not-allowed');
    await refuse({ applicationCopies: [{ ...copy, wrappedKey: new Uint8Array(60) }] }, 'not-allowed');
    const policy = { connections: false, launchUntilMs: 1n, maxSessions: 1 };
    await editor.client.call(putRecords, { changes: [await edit({ policy })] });
    expect((await owner.see()).records).toMatchObject([{ policy: { connections: true, maxSessions: 3 } }]);
    const both = [await edit({ baseRevision: 2n }), await editor.change('own')];
    await expect(editor.client.call(putRecords, { changes: both })).rejects.toMatchObject({
      code: 'malformed',
    });
  });

  test('a card is on what its account sees, has revisions, and goes when it is emptied', async () => {
    const [owner, reader] = await people(2);
    const record = await owner.create();
    const objectUid = uidBytes(record);
    const card = (baseRevision: bigint, sealed = envelopeOf('card')) => ({
      changes: [{ objectUid, baseRevision, sealed }],
    });
    await expect(putCard(reader, card(0n))).rejects.toMatchObject({ code: 'not-found' });
    await owner.share(record, reader);
    await putCard(reader, card(0n));
    await expect(putCard(reader, card(0n))).rejects.toMatchObject({ code: 'conflict' });
    await putCard(reader, card(1n));
    expect((await reader.sync()).cards).toMatchObject([{ revision: 2n }]);
    expect((await owner.see()).cards).toEqual([]);
    await owner.unshare('record', record, reader.uid);
    expect((await reader.see()).cards).toHaveLength(1);
    await putCard(reader, card(2n, new Uint8Array(0)));
    expect((await reader.see()).cards).toEqual([]);
  });

  async function people<const Count extends number>(count: Count) {
    return (await registerPeople(open, count)) as unknown as Tuple<Count>;
  }
});

type Tuple<Count extends number, Held extends Person[] = []> = Held['length'] extends Count
  ? Held
  : Tuple<Count, [...Held, Person]>;

/** What it says of the vault is the client's matter; here its version counts. */
async function manifest(owner: Person, version: bigint) {
  const before: Manifest = { ...newManifest(1n), version };
  return await sealManifest(owner.client.account, before);
}

function putCard(person: Person, input: MessageInitShape<typeof PutCardsRequestSchema>) {
  return person.client.writeNext((next) =>
    person.client.call(putCards, { changes: input.changes ?? [], manifest: next }),
  );
}

async function put(owner: Person, changes: NamedChange[], version: bigint) {
  return await owner.client.call(putRecords, { changes, manifest: await manifest(owner, version) });
}
