// What an account, its device or the server keeps under one key and one purpose each. protocol.md §3.3.
import { damage } from './mutations.ts';
import {
  concat,
  context,
  envelope,
  hex,
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
  type Part,
} from './independent.ts';

/** A number is 4 bytes of a key version, or 8 of a revision, as its purpose has it. */
type Objects = readonly (string | number)[];

interface Kept {
  readonly purpose: string;
  readonly objects: Objects;
  readonly plaintext: Uint8Array;
  /** What comes out: bytes as hexadecimal, or the value that they say. */
  readonly opened: unknown;
  readonly bits?: 32 | 64;
}

const account = uid('account').text;
const record = uid('record').text;
const folder = uid('folder').text;
const organisation = uid('organisation').text;

function privateKey(purpose: string, owner: string): Kept {
  const key = seed(`${purpose} key`);
  return { purpose, objects: [owner], plaintext: key, opened: hex(key) };
}

function bytes(purpose: string, objects: Objects, length: number, bits: 32 | 64 = 32): Kept {
  const plaintext = seed(`${purpose} content`, length);
  return { purpose, objects, plaintext, opened: hex(plaintext), bits };
}

function note(): Kept {
  const [secret, expiresAtMs, email] = [seed('invitation secret'), 1_800_000_000_000, 'ünï@example.test'];
  const plaintext = concat(secret, uint64(expiresAtMs), utf8(email));
  const opened = { secret: hex(secret), expiresAtMs, email };
  return { purpose: 'invitation-secret', objects: [account, uid('invitation').text], plaintext, opened };
}

function upload(): Kept {
  const opened = {
    ...{ name: 'Ünïcode.pdf', size: 5, mediaType: 'application/pdf' },
    ...{ key: seed('file key').length.toString(), firstChunk: 'AAAA', modifiedAt: 1_700_000_000_000 },
  };
  const plaintext = pad(utf8(JSON.stringify(opened)));
  return { purpose: 'file-upload', objects: [account, record, uid('file').text], plaintext, opened };
}

function card(): Kept {
  const opened = { folderUid: folder, favourite: true, tags: ['a', 'ü'] };
  const plaintext = pad(utf8(JSON.stringify(opened)));
  return { purpose: 'card', objects: [account, record, 3], plaintext, opened, bits: 64 };
}

function place(subfolder: string | null): Kept {
  const plaintext = utf8((subfolder ?? '').padEnd(22));
  return { purpose: 'entry-place', objects: [folder, record], plaintext, opened: subfolder };
}

const things: readonly Kept[] = [
  privateKey('account-ecdh-key', account),
  privateKey('account-signing-key', account),
  privateKey('former-ecdh-key', account),
  privateKey('organisation-signing-key', organisation),
  privateKey('organisation-data-key', organisation),
  privateKey('organisation-recovery-key', organisation),
  bytes('record-key', [account, record, 2], 32),
  bytes('former-record-key', [record, 2], 32),
  bytes('folder-key', [account, folder], 32),
  note(),
  card(),
  place(uid('subfolder').text),
  place(null),
  upload(),
  bytes('local-state', [account], 300),
  bytes('local-snapshot', [account, 'base', 7], 300, 64),
  bytes('local-snapshot', [account, 'journal'], 300),
  bytes('totp-secret', [account, uid('factor').text], 20),
  bytes('held-index', [account, uid('generation').text, 0, 2], 300),
];

export function keptThings(): object[] {
  return things.flatMap((thing, at) => casesOf(thing, things[(at + 1) % things.length] ?? thing));
}

function casesOf(thing: Kept, neighbour: Kept): object[] {
  const { purpose, objects, opened, bits } = thing;
  const key = seed(`${purpose} wrapping key`);
  const name = `${purpose} ${objects.length}${opened === null ? ', of nothing' : ''}`;
  const seal = (of: string, given: Objects, plaintext = thing.plaintext, k = key) =>
    envelope(
      name,
      k,
      of,
      given.map((part) => encoded(part, bits)),
      plaintext,
    );
  const sealed = seal(purpose, objects);
  const base = { purpose, key: hex(key), objects, sealed: hex(sealed) };
  const bad = (what: string, change: object, fails = 'open-failed') => ({
    ...{ ...base, name: `${name}: ${what}` },
    ...{ ...change, fails },
  });
  const others = objects.map((part, i) => {
    const other = typeof part === 'number' ? part + 1 : part === 'base' ? 'journal' : uid('other').text;
    return bad(`another object ${i + 1}`, { objects: objects.with(i, other) });
  });
  return [
    { ...base, name, opened },
    bad('another key', { key: hex(seed('other')) }),
    ...others,
    ...(objects.length > 1 &&
    typeof objects[1] === 'string' &&
    objects[0] === account &&
    purpose !== 'local-snapshot'
      ? [bad('objects swapped', { objects: objects.toSpliced(0, 2, objects[1], objects[0] ?? '') })]
      : []),
    bad('sealed for another purpose', { sealed: hex(seal(otherThan(purpose, neighbour), objects)) }),
    bad('sealed with fewer objects', { sealed: hex(seal(purpose, objects.slice(1))) }),
    bad('in clear', { sealed: hex(thing.plaintext) }),
    ...damage(sealed, { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map((mutation) =>
      bad(mutation.name, { sealed: hex(mutation.bytes) }),
    ),
    ...odd(purpose).map(([what, text]) =>
      bad(what, { sealed: hex(seal(purpose, objects, text)) }, 'malformed'),
    ),
  ];
}

const otherThan = (purpose: string, { purpose: next }: Kept) => (next === purpose ? 'manifest' : next);

/** What opens, and is not what its purpose says. */
function odd(purpose: string): readonly (readonly [string, Uint8Array])[] {
  const padded = (text: string) => pad(utf8(text));
  switch (purpose) {
    case 'invitation-secret':
      return [
        ['half a secret', seed('short', 16)],
        ['without an end', seed('invitation secret')],
        [
          'an end that is no time',
          concat(seed('invitation secret'), new Uint8Array(8).fill(255), utf8('a@b')),
        ],
        ['an address that is no text', concat(seed('invitation secret'), uint64(1), Uint8Array.of(0xff))],
      ];
    case 'card':
      return [
        ['without padding', utf8('{"tags":[]}')],
        ['no json', padded('card')],
        ['no tags', padded('{}')],
        ['tags that are numbers', padded('{"tags":[1]}')],
        ['a folder that is no uid', padded('{"folderUid":"x","tags":[]}')],
        ['too many tags', padded(JSON.stringify({ tags: Array.from({ length: 51 }, (_, i) => `t${i}`) }))],
      ];
    case 'entry-place':
      return [['no uid', utf8('somewhere'.padEnd(22))]];
    case 'file-upload':
      return [
        ['without padding', utf8('{}')],
        ['no json', padded('note')],
        ['nothing in it', padded('{}')],
      ];
    default:
      return [];
  }
}

function encoded(part: string | number, bits: 32 | 64 = 32): Part {
  return typeof part === 'string' ? part : bits === 32 ? uint32(part) : uint64(part);
}

/** §8.7 */
export function backupCodes(): object[] {
  const key = seed('second-factor key');
  const code = '0123456789ab';
  const base = { key: hex(key), accountUid: account, code };
  const hashOf = (k: Uint8Array, of: string, text: string) =>
    hex(hmac('sha256', k, context('sallyport/v1/backup-code', of, text)));
  const hash = hashOf(key, account, code);
  return [
    { ...base, name: 'a code', hash },
    { ...base, name: 'another code', code: '0123456789ac', hash: hashOf(key, account, '0123456789ac') },
    { ...base, name: 'another account', accountUid: record, hash: hashOf(key, record, code) },
    { ...base, name: 'another key', key: hex(seed('other')), hash: hashOf(seed('other'), account, code) },
  ];
}

/** §9.7 */
export function adoptions(): object[] {
  const owner = keyPair('owner signing');
  const [ownerUid, writerUid, recordUid] = [uid('account'), uid('writer'), uid('record')];
  const statement = { revision: 4, keyVersion: 2, deleted: false };
  const hashes = { dataHash: sha256(utf8('data')), launchHash: sha256(utf8('launch')) };
  const revisionBytes = (change: Partial<typeof statement> = {}) => {
    const { revision, keyVersion, deleted } = { ...statement, ...change };
    return context(
      ...[recordUid.bytes, ownerUid.bytes, uint64(revision), uint32(keyVersion)],
      ...[Uint8Array.of(deleted ? 1 : 0), hashes.dataHash, hashes.launchHash],
    );
  };
  const message = (writer = writerUid.bytes) => context(revisionBytes(), writer);
  const signed = (bytes: Uint8Array, label = 'record-adoption', by = owner) =>
    hex(sign(by.privateKey, `sallyport/v1/signature/${label}`, bytes));
  const base = {
    ...{ ownerKey: hex(owner.publicKey), ownerUid: ownerUid.text, recordUid: recordUid.text },
    ...{ writerUid: writerUid.text, ...statement },
    ...{ dataHash: hex(hashes.dataHash), launchHash: hex(hashes.launchHash), signature: signed(message()) },
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'bad-signature' });
  return [
    { ...base, name: 'the owner’s word' },
    bad('of another writer', { writerUid: ownerUid.text }),
    bad('of another record', { recordUid: uid('other').text }),
    bad('of another owner', { ownerUid: uid('other').text }),
    bad('of another revision', { revision: 5 }),
    bad('of another key', { keyVersion: 3 }),
    bad('of a record in the trash', { deleted: true }),
    bad('of other data', { dataHash: hex(sha256(utf8('other'))) }),
    bad('of another launch card', { launchHash: hex(sha256(utf8('other'))) }),
    bad('by the writer', { signature: signed(message(), 'record-adoption', keyPair('writer signing')) }),
    bad('signed as a revision', { signature: signed(message(), 'record') }),
    bad('the signature of the revision alone', { signature: signed(revisionBytes()) }),
    bad('no signature', { signature: '' }),
    bad('another owner’s key', { ownerKey: hex(keyPair('other').publicKey) }),
  ];
}

export function indexPrints(): object[] {
  const [object, owner] = [uid('record'), uid('account')];
  const [sealedKey, sealedData, sealed] = [seed('index key', 69), seed('index data', 300), seed('card', 293)];
  const dataHash = sha256(sealedData);
  const print = (...parts: Part[]) => Buffer.from(sha256(context(...parts))).toString('base64url');
  const recordPrint = (revision: number, keyVersion: number) =>
    print('record', object.bytes, owner.bytes, uint64(revision), uint32(keyVersion), dataHash, sealedKey);
  const base = {
    recordUid: object.text,
    ownerUid: owner.text,
    sealedKey: hex(sealedKey),
    sealedData: hex(sealedData),
  };
  return [
    ...[
      [1, 1],
      [7, 3],
    ].map(([revision = 0, keyVersion = 0]) => ({
      ...{ name: `record at revision ${revision}`, ...base, revision, keyVersion },
      print: recordPrint(revision, keyVersion),
    })),
    {
      ...{ name: 'card', objectUid: object.text, revision: 7, sealed: hex(sealed) },
      print: print('card', object.bytes, uint64(7), sealed),
    },
  ];
}
