import { wordlist } from '@scure/bip39/wordlists/english.js';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { ManifestSchema } from '../../../protocol/messages/gen/manifest_pb.js';
import { EntryBodySchema, GrantBodySchema } from '../../../protocol/messages/gen/sharing_pb.js';
import { damage } from './mutations.ts';
import {
  compress,
  context,
  ecies,
  envelope,
  flip,
  hex,
  highS,
  hkdf,
  hmac,
  keyPair,
  pad,
  seed,
  sha256,
  sign,
  uid,
  uint32,
  uint64,
  utf8,
} from './independent.ts';

const owner = keyPair('account signing key');
const ownerEcdh = keyPair('account ecdh key');
const stranger = keyPair('stranger');
const grantee = keyPair('grantee ecdh key');
const ownerUid = uid('account');
const granteeUid = uid('grantee');
const recordUid = uid('record');
const folderUid = uid('folder');
const none = new Uint8Array(0);
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const moment = 1_800_000_000_000n;
const parts = { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 };

/** §19.2 */
export function grants(): object[] {
  const label = 'sallyport/v1/signature/grant';
  const recordKey = seed('record key');
  const scope = [recordUid.text, granteeUid.text, ownerUid.text];
  const seal = (kind = 'record', way = 'full', objects = scope, purpose = 'grant-key') =>
    ecies('grant', grantee.publicKey, purpose, [kind, ...objects, way], recordKey);
  const sealedKey = seal();
  const fields = {
    objectKind: 1,
    objectUid: recordUid.bytes,
    ownerUid: ownerUid.bytes,
    granteeKind: 1,
    granteeUid: granteeUid.bytes,
    granterUid: ownerUid.bytes,
    rights: { edit: true },
    issuedAtMs: moment,
    expiresAtMs: 0n,
    sealedKeyHash: sha256(sealedKey),
    keyVersion: 2,
  };
  const encode = (change: object = {}) => encodeMessage(GrantBodySchema, { ...fields, ...change });
  const of = (body: Uint8Array, signer = owner, as = label) => ({
    body: hex(body),
    signature: hex(sign(signer.privateKey, as, body)),
  });
  const base = {
    granterKey: hex(owner.publicKey),
    grantee: { publicKey: hex(grantee.publicKey), privateKey: hex(grantee.privateKey) },
    ...of(encode()),
    sealedKey: hex(sealedKey),
  };
  const view = {
    ...{ launchOnly: false, edit: false, share: false },
    ...{ manageMembers: false, manageRecords: false, own: false },
  };
  const decoded = {
    objectKind: 'record',
    objectUid: recordUid.text,
    ownerUid: ownerUid.text,
    granteeKind: 'account',
    granteeUid: granteeUid.text,
    granterUid: ownerUid.text,
    rights: { ...view, edit: true },
    issuedAtMs: Number(moment),
    expiresAtMs: 0,
    keyVersion: 2,
  };
  const good = (name: string, body: object, says: object, key = sealedKey) => {
    const bytes = encode({ ...body, sealedKeyHash: sha256(key) });
    return {
      ...base,
      name,
      ...of(bytes),
      sealedKey: hex(key),
      decoded: { ...decoded, ...says },
      key: hex(recordKey),
    };
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  const malformed = (name: string, change: object) => bad(name, of(encode(change)), 'malformed');
  const resealed = (name: string, key: Uint8Array) =>
    bad(name, { ...of(encode({ sealedKeyHash: sha256(key) })), sealedKey: hex(key) }, 'open-failed');
  return [
    good('to edit', {}, {}),
    good('with an end', { expiresAtMs: moment + 1n }, { expiresAtMs: Number(moment) + 1 }),
    good(
      'to launch',
      { rights: { launchOnly: true } },
      { rights: { ...view, launchOnly: true } },
      seal('record', 'launch'),
    ),
    good(
      'to launch, whatever else it says',
      { rights: { launchOnly: true, edit: true, share: true, own: true } },
      { rights: { ...view, launchOnly: true } },
      seal('record', 'launch'),
    ),
    good(
      'without rights',
      { rights: undefined },
      { rights: { ...view, launchOnly: true } },
      seal('record', 'launch'),
    ),
    good('of a folder', { objectKind: 2 }, { objectKind: 'folder' }, seal('folder')),
    good('to a team', { granteeKind: 2 }, { granteeKind: 'team' }),
    bad('signed by another key', of(encode(), stranger)),
    bad('another signer expected', { granterKey: hex(stranger.publicKey) }),
    bad('signed as a folder entry', of(encode(), owner, 'sallyport/v1/signature/folder-entry')),
    bad('signed as a command', of(encode(), owner, 'sallyport/v1/signature/command')),
    bad('another grantee in it', { body: hex(encode({ granteeUid: uid('other').bytes })) }),
    bad('another granter in it', { body: hex(encode({ granterUid: uid('other').bytes })) }),
    bad('another owner in it', { body: hex(encode({ ownerUid: uid('other').bytes })) }),
    bad('another object in it', { body: hex(encode({ objectUid: uid('other').bytes })) }),
    bad('more rights in it', { body: hex(encode({ rights: { edit: true, share: true } })) }),
    bad('a later end in it', { body: hex(encode({ expiresAtMs: moment })) }),
    bad('another key version in it', { body: hex(encode({ keyVersion: 3 })) }),
    bad('a field added behind it', { body: hex(encode()) + '6001' }),
    bad('no signature', { signature: '' }),
    bad('a high s', { signature: hex(highS(sign(owner.privateKey, label, encode()))) }),
    bad('another sealed key than was signed', { sealedKey: hex(seal('folder')) }),
    bad('no sealed key', { sealedKey: '' }),
    bad('a bit of the sealed key changed', { sealedKey: hex(flip(sealedKey, 80)) }),
    resealed('a key sealed for a folder', seal('folder')),
    resealed('a key sealed to launch', seal('record', 'launch')),
    resealed(
      'a key sealed for another record',
      seal('record', 'full', [uid('other').text, ...scope.slice(1)]),
    ),
    resealed(
      'a key sealed for another grantee',
      seal('record', 'full', [recordUid.text, uid('other').text, ownerUid.text]),
    ),
    resealed(
      'a key sealed by another granter',
      seal('record', 'full', [recordUid.text, granteeUid.text, uid('other').text]),
    ),
    resealed('a key sealed as a team key', seal('record', 'full', scope, 'team-key')),
    resealed('a key in clear', recordKey),
    malformed('no object kind', { objectKind: 0 }),
    malformed('an unknown object kind', { objectKind: 3 }),
    malformed('no grantee kind', { granteeKind: 0 }),
    malformed('an unknown grantee kind', { granteeKind: 3 }),
    malformed('no object', { objectUid: none }),
    malformed('an owner of 15 bytes', { ownerUid: seed('short', 15) }),
    malformed('no grantee', { granteeUid: none }),
    malformed('no granter', { granterUid: none }),
    malformed('a hash of 31 bytes', { sealedKeyHash: seed('short', 31) }),
    malformed('an end before time began', { expiresAtMs: -1n }),
    malformed('an end that no clock reaches', { expiresAtMs: 2n ** 62n }),
    malformed('made before time began', { issuedAtMs: -1n }),
    bad('no message', of(Uint8Array.of(0xff)), 'malformed'),
    bad('nothing', { ...of(none) }, 'malformed'),
  ];
}

/** §19.3 */
export function folderEntries(): object[] {
  const label = 'sallyport/v1/signature/folder-entry';
  const folderKey = seed('folder key');
  const recordKey = seed('record key');
  const seal = (objects = [folderUid.text, recordUid.text], purpose = 'entry-key', k = folderKey) =>
    envelope('entry', k, purpose, objects, recordKey);
  const sealedKey = seal();
  const sealedLaunchKey = seed('sealed launch key', 69);
  const fields = {
    folderUid: folderUid.bytes,
    folderOwnerUid: ownerUid.bytes,
    recordUid: recordUid.bytes,
    recordOwnerUid: ownerUid.bytes,
    authorUid: ownerUid.bytes,
    edit: true,
    share: false,
    launchOnly: false,
    issuedAtMs: moment,
    sealedKeyHash: sha256(sealedKey),
    sealedLaunchKeyHash: sha256(sealedLaunchKey),
    recordKeyVersion: 1,
    folderKeyVersion: 2,
    firstFolderKeyVersion: 1,
  };
  const encode = (change: object = {}) => encodeMessage(EntryBodySchema, { ...fields, ...change });
  const of = (body: Uint8Array, signer = owner, as = label) => ({
    body: hex(body),
    signature: hex(sign(signer.privateKey, as, body)),
  });
  const base = {
    authorKey: hex(owner.publicKey),
    folderKey: hex(folderKey),
    ...of(encode()),
    sealedKey: hex(sealedKey),
    sealedLaunchKey: hex(sealedLaunchKey),
  };
  const view = {
    ...{ launchOnly: false, edit: false, share: false },
    ...{ manageMembers: false, manageRecords: false, own: false },
  };
  const good = (name: string, change: object, rights: object) => ({
    ...base,
    ...of(encode(change)),
    name,
    decoded: {
      folderUid: folderUid.text,
      recordUid: recordUid.text,
      authorUid: ownerUid.text,
      rights: { ...view, ...rights },
      recordKeyVersion: 1,
      folderKeyVersion: 2,
      firstFolderKeyVersion: 1,
    },
    key: hex(recordKey),
  });
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  const malformed = (name: string, change: object) => bad(name, of(encode(change)), 'malformed');
  const resealed = (name: string, key: Uint8Array) =>
    bad(name, { ...of(encode({ sealedKeyHash: sha256(key) })), sealedKey: hex(key) }, 'open-failed');
  return [
    good('to edit', {}, { edit: true }),
    good('to edit and share', { share: true }, { edit: true, share: true }),
    good('to launch, whatever else it says', { launchOnly: true, share: true }, { launchOnly: true }),
    bad('signed by another key', of(encode(), stranger)),
    bad('signed as a grant', of(encode(), owner, 'sallyport/v1/signature/grant')),
    bad('another folder in it', { body: hex(encode({ folderUid: uid('other').bytes })) }),
    bad('another record in it', { body: hex(encode({ recordUid: uid('other').bytes })) }),
    bad('another owner of the record in it', { body: hex(encode({ recordOwnerUid: uid('other').bytes })) }),
    bad('another owner of the folder in it', { body: hex(encode({ folderOwnerUid: uid('other').bytes })) }),
    bad('another author in it', { body: hex(encode({ authorUid: uid('other').bytes })) }),
    bad('more rights in it', { body: hex(encode({ share: true })) }),
    bad('launch-only taken out of it', { ...of(encode({ launchOnly: true })), body: hex(encode()) }),
    bad('no signature', { signature: '' }),
    bad('another sealed key than was signed', { sealedKey: hex(flip(sealedKey, 40)) }),
    bad('another sealed launch key than was signed', { sealedLaunchKey: hex(flip(sealedLaunchKey, 0)) }),
    bad('no sealed launch key', { sealedLaunchKey: '' }),
    bad('the two swapped', { sealedKey: hex(sealedLaunchKey), sealedLaunchKey: hex(sealedKey) }),
    bad('the border between the two moved', {
      sealedKey: hex(sealedKey) + hex(sealedLaunchKey).slice(0, 2),
      sealedLaunchKey: hex(sealedLaunchKey).slice(2),
    }),
    resealed('a key sealed for another record', seal([folderUid.text, uid('other').text])),
    resealed('a key sealed for another folder', seal([uid('other').text, recordUid.text])),
    resealed('a key sealed as a launch key', seal(undefined, 'entry-launch-key')),
    resealed('a key sealed under another key', seal(undefined, undefined, seed('other'))),
    malformed('no folder', { folderUid: none }),
    malformed('no record', { recordUid: none }),
    malformed('no author', { authorUid: none }),
    malformed('a hash of 31 bytes', { sealedKeyHash: seed('short', 31) }),
    malformed('a first folder key after its own', { firstFolderKeyVersion: 3 }),
    malformed('no hash of the launch key', { sealedLaunchKeyHash: none }),
    malformed('made before time began', { issuedAtMs: -1n }),
    bad('no message', of(Uint8Array.of(0xff)), 'malformed'),
  ];
}

/** §19.6 */
export function fingerprints(): object[] {
  const of = (account: string, ecdh: Uint8Array, signing: Uint8Array) => {
    const digest = sha256(context('sallyport/v1/account-fingerprint', account, ecdh, signing));
    const bits = [...digest.subarray(0, 11)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    return Array.from({ length: 8 }, (_, i) => wordlist[parseInt(bits.slice(i * 11, i * 11 + 11), 2)]);
  };
  const vector = (name: string, account: string, ecdh: Uint8Array, signing: Uint8Array) => ({
    name,
    accountUid: account,
    ecdhPublicKey: hex(ecdh),
    signingPublicKey: hex(signing),
    words: of(account, ecdh, signing),
  });
  return [
    vector('of an account', ownerUid.text, ownerEcdh.publicKey, owner.publicKey),
    vector('of another account with the same keys', uid('other').text, ownerEcdh.publicKey, owner.publicKey),
    vector('with another ecdh key', ownerUid.text, stranger.publicKey, owner.publicKey),
    vector('with another signing key', ownerUid.text, ownerEcdh.publicKey, stranger.publicKey),
    vector('with the two keys swapped', ownerUid.text, owner.publicKey, ownerEcdh.publicKey),
    vector('with compressed keys', ownerUid.text, compress(ownerEcdh.publicKey), compress(owner.publicKey)),
  ];
}

/** §9.9 */
export function launchCards(): object[] {
  const recordKey = seed('record key');
  const launchKey = hkdf(recordKey, none, context('sallyport/v1/record-launch-key', recordUid.text));
  const card = {
    type: 'pamMachine',
    title: 'Build host',
    subtitle: '10.0.0.4:22',
    protocol: 'ssh',
    gatewayUid: uid('gateway').text,
    gatewayKey: Buffer.from(keyPair('gateway device').publicKey).toString('base64url'),
    applicationUid: uid('application').text,
    configurationUid: uid('configuration').text,
    configurationRevision: 4,
    launchCredentialUid: uid('credential').text,
    credentialRevision: 2,
    trafficSeed: Buffer.from(seed('traffic seed')).toString('base64'),
    hostKey: '',
  };
  const bound = [ownerUid.text, recordUid.text, uint64(3)];
  const seal = (
    text: string,
    objects: readonly (string | Uint8Array)[] = bound,
    purpose = 'launch-card',
    k = launchKey,
  ) => envelope('launch card', k, purpose, objects, pad(utf8(text)));
  const sealed = seal(JSON.stringify(card));
  const base = {
    recordKey: hex(recordKey),
    ownerUid: ownerUid.text,
    recordUid: recordUid.text,
    revision: 3,
    sealed: hex(sealed),
  };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  const malformed = (name: string, change: object) =>
    bad(name, { sealed: hex(seal(JSON.stringify({ ...card, ...change }))) }, 'malformed');
  const jump = { recordUid: uid('jump').text, revision: 5, credentialRevision: 1 };
  const behind = { ...card, jump };
  const throughAnother = { sealed: hex(seal(JSON.stringify(behind))), card: behind };
  return [
    { ...base, name: 'of a machine', card },
    { ...base, name: 'of a machine behind another', ...throughAnother },
    malformed('with a jump machine that is null', { jump: null }),
    malformed('with a jump machine that is a text', { jump: jump.recordUid }),
    malformed('with a jump machine that is no UID', { jump: { ...jump, recordUid: 'x' } }),
    malformed('with a jump machine of revision 0', { jump: { ...jump, revision: 0 } }),
    malformed('with a jump machine without a credential', { jump: { ...jump, credentialRevision: 0 } }),
    bad('another revision', { revision: 4 }),
    bad('another record', { recordUid: uid('other').text }),
    bad('another owner', { ownerUid: uid('other').text }),
    bad('another record key', { recordKey: hex(seed('other')) }),
    bad('under the record key itself', {
      sealed: hex(seal(JSON.stringify(card), bound, 'launch-card', recordKey)),
    }),
    bad('sealed as record data', { sealed: hex(seal(JSON.stringify(card), bound, 'record-data')) }),
    malformed('without a gateway key', { gatewayKey: undefined }),
    malformed('with a gateway that is no UID', { gatewayUid: 'x' }),
    malformed('without a seed', { trafficSeed: '' }),
    malformed('with a seed of 31 bytes', { trafficSeed: Buffer.from(seed('short', 31)).toString('base64') }),
    malformed('with half a revision', { credentialRevision: 1.5 }),
    malformed('with a revision below 0', { configurationRevision: -1 }),
    malformed('with a revision that is a text', { credentialRevision: '2' }),
    malformed('with a title that is a list', { title: [] }),
    bad('no json', { sealed: hex(seal('x')) }, 'malformed'),
    bad('null', { sealed: hex(seal('null')) }, 'malformed'),
    ...damage(sealed, parts).map(({ name, bytes }) => bad(name, { sealed: hex(bytes) })),
  ];
}

/** §9.7 */
export function manifests(): object[] {
  const dataKey = seed('data key');
  const setKey = seed('set key');
  const label = 'sallyport/v1/signature/manifest';
  const elements = [
    {
      kind: 'record',
      uid: recordUid.text,
      revision: 3,
      keyVersion: 1,
      tag: hex(seed('tag 1', 16)),
      deleted: false,
    },
    {
      kind: 'record',
      uid: uid('other').text,
      revision: 9,
      keyVersion: 2,
      tag: hex(seed('tag 2', 16)),
      deleted: true,
    },
    {
      kind: 'card',
      uid: recordUid.text,
      revision: 1,
      keyVersion: 0,
      tag: hex(seed('tag 3', 16)),
      deleted: false,
    },
    {
      kind: 'folder',
      uid: folderUid.text,
      revision: 2,
      keyVersion: 0,
      tag: hex(seed('tag 4', 16)),
      deleted: false,
    },
  ];
  const macs = elements.map(({ kind, uid: text, revision, keyVersion, tag, deleted }) =>
    hmac(
      'sha256',
      setKey,
      context(
        kind,
        Buffer.from(text, 'base64url'),
        uint64(revision),
        uint32(keyVersion),
        Buffer.from(tag, 'hex'),
        Uint8Array.of(deleted ? 1 : 0),
      ),
    ),
  );
  const digest = macs.reduce((sum, mac) => sum.map((byte, i) => byte ^ (mac[i] ?? 0)), new Uint8Array(32));
  const fields = { setKey, digest, count: 4n, securityVersion: 1, rosterVersion: 7n };
  const of = (
    change: object = {},
    {
      version = 5,
      account = ownerUid.text,
      signer = owner,
      as = label,
      purpose = 'manifest',
      k = dataKey,
    } = {},
  ) => {
    const plaintext = encodeMessage(ManifestSchema, { ...fields, ...change });
    const sealed = envelope('manifest', k, purpose, [account, uint64(version)], plaintext);
    const bytes = context(Buffer.from(account, 'base64url'), uint64(version), sealed);
    return { version, sealed: hex(sealed), signature: hex(sign(signer.privateKey, as, bytes)) };
  };
  const base = {
    dataKey: hex(dataKey),
    accountUid: ownerUid.text,
    signingKey: hex(owner.privateKey),
    ...of(),
    elements,
  };
  const bad = (name: string, change: object, fails = 'bad-signature') => ({
    ...base,
    name,
    ...change,
    fails,
  });
  return [
    { ...base, name: 'of four objects', count: 4, fits: true },
    { ...base, name: 'an object left out', elements: elements.slice(1), count: 4, fits: false },
    { ...base, name: 'an object twice', elements: [...elements, elements[0]], count: 4, fits: false },
    { ...base, name: 'in another order', elements: elements.toReversed(), count: 4, fits: true },
    ...(['revision', 'keyVersion', 'tag', 'deleted', 'kind', 'uid'] as const).map((member) => ({
      ...base,
      name: `an object with another ${member}`,
      elements: elements
        .map((element, i) => (i === 0 ? { ...element, [member]: elements[1]?.[member] } : element))
        .map((element, i) => (i === 0 && member === 'kind' ? { ...element, kind: 'folder' } : element)),
      count: 4,
      fits: false,
    })),
    { ...base, name: 'of another count', ...of({ count: 5n }), count: 5, fits: false },
    bad('another version than was signed', { version: 6 }),
    bad('an older version than was signed', { version: 4 }),
    bad('signed by another key', of({}, { signer: stranger })),
    bad('signed as a roster', of({}, { as: 'sallyport/v1/signature/roster' })),
    bad('of another account', of({}, { account: uid('other').text })),
    bad('no signature', { signature: '' }),
    bad('a bit changed', { sealed: hex(flip(Buffer.from(of().sealed, 'hex'), 30)) }),
    bad('under another key', of({}, { k: seed('other') }), 'open-failed'),
    bad('sealed as a card', of({}, { purpose: 'card' }), 'open-failed'),
    bad('a set key of 31 bytes', of({ setKey: seed('short', 31) }), 'malformed'),
    bad('a digest of 33 bytes', of({ digest: seed('long', 33) }), 'malformed'),
    bad('that demands a newer version of this code', of({ securityVersion: 1_000 }), 'untrusted'),
  ];
}

/** §19.4 */
export function sharedFolders(): object[] {
  const folderKey = seed('folder key');
  const launchKey = hkdf(folderKey, none, context('sallyport/v1/folder-launch-key', folderUid.text));
  const formerKey = (keyVersion: number) => {
    const former = seed(`former folder key ${keyVersion}`);
    const objects = [folderUid.text, uint32(keyVersion)];
    return {
      keyVersion,
      sealedKey: base64url(envelope(`former ${keyVersion}`, folderKey, 'former-folder-key', objects, former)),
      launchKey: base64url(hkdf(former, none, context('sallyport/v1/folder-launch-key', folderUid.text))),
    };
  };
  const content = {
    name: 'Servers',
    subfolders: [
      { uid: uid('subfolder').text, name: 'Test', parentUid: null },
      { uid: uid('deeper').text, name: 'Old', parentUid: uid('subfolder').text },
    ],
    formerKeys: [formerKey(1), formerKey(3)],
  };
  const bound = [ownerUid.text, folderUid.text, uint64(2)];
  const seal = (
    text: string,
    objects: readonly (string | Uint8Array)[] = bound,
    purpose = 'folder-data',
    k = launchKey,
  ) => envelope('folder', k, purpose, objects, pad(utf8(text)));
  const statement = (
    sealed: Uint8Array,
    { revision = 2, keyVersion = 1, folder = folderUid.bytes, who = ownerUid.bytes } = {},
  ) => context(folder, who, uint64(revision), uint32(keyVersion), sha256(sealed));
  const label = 'sallyport/v1/signature/folder';
  const sealed = seal(JSON.stringify(content));
  const of = (
    bytes: Uint8Array,
    {
      signer = owner,
      as = label,
      ...change
    }: {
      signer?: typeof owner;
      as?: string;
      revision?: number;
      keyVersion?: number;
      folder?: Uint8Array;
      who?: Uint8Array;
    } = {},
  ) => ({
    sealed: hex(bytes),
    signature: hex(sign(signer.privateKey, as, statement(bytes, change))),
  });
  const base = {
    folderKey: hex(folderKey),
    writerKey: hex(owner.publicKey),
    ownerUid: ownerUid.text,
    folderUid: folderUid.text,
    revision: 2,
    keyVersion: 1,
    ...of(sealed),
  };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  const malformed = (name: string, value: unknown) =>
    bad(name, of(seal(typeof value === 'string' ? value : JSON.stringify(value))), 'malformed');
  const many = Array.from({ length: 2_001 }, (_, i) => ({
    uid: uid(`sub ${i}`).text,
    name: 'x',
    parentUid: null,
  }));
  return [
    { ...base, name: 'with subfolders', content },
    {
      ...base,
      name: 'with none',
      ...of(seal('{"name":"Servers","subfolders":[],"formerKeys":[]}')),
      content: { name: 'Servers', subfolders: [], formerKeys: [] },
    },
    bad('another revision', { revision: 3 }, 'bad-signature'),
    bad('another key version', { keyVersion: 2 }, 'bad-signature'),
    bad('another folder', { folderUid: uid('other').text }, 'bad-signature'),
    bad('another owner', { ownerUid: uid('other').text }, 'bad-signature'),
    bad('signed by another key', of(sealed, { signer: stranger }), 'bad-signature'),
    bad('signed as a record', of(sealed, { as: 'sallyport/v1/signature/record' }), 'bad-signature'),
    bad('a bit changed', { sealed: hex(flip(sealed, 30)) }, 'bad-signature'),
    bad('another folder key', { folderKey: hex(seed('other')) }),
    bad('under the folder key itself', of(seal(JSON.stringify(content), bound, 'folder-data', folderKey))),
    bad('sealed as record data', of(seal(JSON.stringify(content), bound, 'record-data'))),
    bad(
      'sealed for another revision',
      of(seal(JSON.stringify(content), [ownerUid.text, folderUid.text, uint64(1)])),
    ),
    malformed('no json', 'x'),
    malformed('null', 'null'),
    malformed('without a name', { subfolders: [], formerKeys: [] }),
    malformed('with an empty name', { name: ' ', subfolders: [], formerKeys: [] }),
    malformed('with a name of 201 characters', { name: 'x'.repeat(201), subfolders: [], formerKeys: [] }),
    malformed('without subfolders', { name: 'x', formerKeys: [] }),
    malformed('with a subfolder that is a text', { name: 'x', subfolders: ['y'], formerKeys: [] }),
    malformed('with a subfolder without a parent', {
      name: 'x',
      subfolders: [{ uid: uid('s').text, name: 'y' }],
      formerKeys: [],
    }),
    malformed('with a subfolder whose parent is no UID', {
      name: 'x',
      subfolders: [{ uid: uid('s').text, name: 'y', parentUid: 'z' }],
      formerKeys: [],
    }),
    bad(
      'with 2001 subfolders',
      of(seal(JSON.stringify({ name: 'x', subfolders: many, formerKeys: [] }))),
      'too-large',
    ),
    malformed('without former keys', { name: 'x', subfolders: [] }),
    ...[
      ['a former key that is a text', ['y']],
      ['a former key of version 0', [formerKey(0)]],
      ['a former key of a version that is no integer', [{ ...formerKey(1), keyVersion: 1.5 }]],
      ['former keys whose versions do not rise', [formerKey(2), formerKey(2)]],
      ['a former key without its sealed key', [{ ...formerKey(1), sealedKey: undefined }]],
      ['a launch key that is padded base64', [{ ...formerKey(1), launchKey: `${formerKey(1).launchKey}=` }]],
      ['a launch key of 31 bytes', [{ ...formerKey(1), launchKey: base64url(seed('x').subarray(1)) }]],
    ].map(([what, formerKeys]) =>
      malformed(`with ${String(what)}`, { name: 'x', subfolders: [], formerKeys }),
    ),
    bad(
      'with 33 former keys',
      of(
        seal(
          JSON.stringify({
            name: 'x',
            subfolders: [],
            formerKeys: Array.from({ length: 33 }, (_, i) => formerKey(i + 1)),
          }),
        ),
      ),
      'too-large',
    ),
  ];
}
