// Attack class 5, on the way to a gateway: the server moves an application's records and keys between one another.
// That wire format binds nothing, so the binding is inside what is sealed.
import { beforeAll, describe, expect, test } from 'vitest';
import { copy, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { firstText } from '../../protocol/records/content.ts';
import { SecretsManagerClient } from '../../protocol/secrets-manager/client.ts';
import { encodeSecretsResponse, type SecretsRecord } from '../../protocol/secrets-manager/responses.ts';
import {
  applicationKeyOf,
  applicationRecordKeyOf,
  parseApplicationCopy,
  sealApplicationCopy,
} from '../../protocol/session/application-copy.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import { openWireRequest } from '../../server/secrets-manager/wire-request.ts';
import { sealedAnswer } from '../fixtures/secrets/sealed-answer.ts';

const serverKey = { id: 20, ...generateEcdhKeyPair() };
const applicationUid = newUid();
const applicationKey = applicationKeyOf(randomBytes(32), applicationUid);
const otherApplicationUid = newUid();
const otherApplicationKey = applicationKeyOf(randomBytes(32), otherApplicationUid);
const [victim, bait] = [newUid(), newUid()];

async function share(recordUid: Uid, password: string, uid = applicationUid, key = applicationKey) {
  const copyKey = applicationRecordKeyOf(randomBytes(32), uid, recordUid);
  const content = { type: 'pamUser', title: recordUid, fields: [{ type: 'password', value: [password] }] };
  const binding = { recordUid, applicationUid: uid, ownerUid: newUid(), revision: 1, keyVersion: 1 };
  const owner = signerOf(generateEcdhKeyPair().privateKey);
  const sealed = await sealApplicationCopy({ applicationKey: key, copyKey }, content, binding, owner);
  return {
    recordUid: recordUid as string,
    recordKey: sealed.wrappedKey,
    data: sealed.data,
    revision: 1,
    isEditable: false,
    innerFolderUid: null,
    files: [],
    links: [],
  };
}

/** What a gateway does with its answer: opens the record it asked for and takes its password. */
async function readPassword(records: readonly SecretsRecord[]): Promise<string> {
  const client = new SecretsManagerClient({
    url: 'https://hostile.example',
    fetch: async (_, { headers, body }) => {
      const answer = encodeSecretsResponse({
        appData: null,
        encryptedAppKey: null,
        appOwnerPublicKey: null,
        folders: [],
        records,
        expiresOn: 0,
        warnings: [],
      });
      const lower = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      );
      const request = openWireRequest({ headers: lower, body, serverKeys: [serverKey] });
      const sealed = sealedAnswer(request, answer);
      return { status: 200, arrayBuffer: () => Promise.resolve(sealed.buffer) };
    },
    serverKey,
    clientId: new Uint8Array(64),
    privateKey: generateEcdhKeyPair().privateKey,
    appKey: applicationKey,
    wait: () => Promise.resolve(),
  });
  const { records: opened } = await client.getSecret({ records: [victim] });
  const found = opened.find(({ recordUid }) => recordUid === victim);
  if (found === undefined) throw new ProtocolError('not-found');
  return firstText(
    parseApplicationCopy(found.content, { recordUid: victim, applicationUid }).content,
    'password',
  );
}

describe("the server gives a gateway other bytes under the victim's uid", () => {
  let own: SecretsRecord;
  let other: SecretsRecord;
  let foreign: SecretsRecord;
  beforeAll(async () => {
    own = await share(victim, 'right');
    other = await share(bait, 'wrong');
    foreign = await share(victim, 'wrong', otherApplicationUid, otherApplicationKey);
  });

  test('unchanged, it opens', async () => {
    expect(await readPassword([own, other])).toBe('right');
  });

  test.each<[string, () => readonly SecretsRecord[], string]>([
    ['another record whole', () => [{ ...other, recordUid: victim }], 'untrusted'],
    ["another record's data", () => [{ ...own, data: other.data }], 'not-found'],
    ["another record's key", () => [{ ...own, recordKey: other.recordKey }], 'not-found'],
    ['the same record of another application', () => [foreign], 'not-found'],
    ['a record of its own making', () => [{ ...own, recordKey: copy(randomBytes(60)) }], 'not-found'],
    [
      'data and key exchanged',
      () => [{ ...own, data: own.recordKey, recordKey: own.data as Bytes }],
      'not-found',
    ],
    ['nothing', () => [], 'not-found'],
  ])('%s is refused', async (_, records, code) => {
    await expect(readPassword(records())).rejects.toMatchObject({ code });
  });

  test('the application key itself as a record key is refused', async () => {
    // Some clients take an absent record key for "the application key is the record key"; ours does not.
    await expect(readPassword([{ ...own, recordKey: new Uint8Array(0) }])).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});
