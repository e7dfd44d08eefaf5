import { damage, failing } from './mutations.ts';
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
  keyIdOf,
  keyPair,
  pad,
  seed,
  sha256,
  sign,
  toDer,
  uid,
  utf8,
  concat,
  type Part,
} from './independent.ts';

const none = new Uint8Array(0);
const shown = (parts: readonly Part[]) =>
  parts.map((part) => (typeof part === 'string' ? part : { hex: hex(part) }));

export function contexts(): object[] {
  const lists: readonly (readonly Part[])[] = [
    [],
    [''],
    ['', ''],
    ['a'],
    ['a', 'b'],
    ['ab'],
    ['ab', ''],
    ['', 'ab'],
    ['a', 'b', ''],
    ['ä', '🔑'],
    [Uint8Array.of(0, 0, 0, 1), 'a'],
    [Uint8Array.of(0)],
    ['record-data', seed('context', 16)],
  ];
  return lists.map((parts) => ({
    name: JSON.stringify(shown(parts)),
    parts: shown(parts),
    context: hex(context(...parts)),
  }));
}

export function envelopes(): object[] {
  const key = seed('envelope key');
  const objects = ['owner', 'record', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7)];
  const plaintext = utf8('a sealed plaintext');
  const sealed = envelope('envelope', key, 'record-data', objects, plaintext);
  const base = { key: hex(key), purpose: 'record-data', objects: shown(objects), envelope: hex(sealed) };
  const other = (name: string, change: object) => ({ ...base, name, ...change, fails: 'open-failed' });
  const reseal = (name: string, k: Uint8Array, purpose: string, parts: readonly Part[]) =>
    hex(envelope(name, k, purpose, parts, plaintext));
  return [
    { ...base, name: 'three objects', plaintext: hex(plaintext) },
    {
      ...base,
      name: 'no plaintext',
      envelope: hex(envelope('empty', key, 'record-data', objects, none)),
      plaintext: '',
    },
    {
      ...base,
      name: 'no objects',
      objects: [],
      envelope: reseal('bare', key, 'record-data', []),
      plaintext: hex(plaintext),
    },
    {
      ...base,
      name: '1000 bytes',
      envelope: hex(envelope('long', key, 'record-data', objects, seed('long', 1000))),
      plaintext: hex(seed('long', 1000)),
    },
    ...failing(
      damage(sealed, { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }),
      'envelope',
      base,
      'open-failed',
    ),
    other('version 0', { envelope: hex(concat(Uint8Array.of(0), sealed.subarray(1))) }),
    other('version 2', { envelope: hex(concat(Uint8Array.of(2), sealed.subarray(1))) }),
    other('another key', { key: hex(seed('another key')) }),
    other("another key's id on it", {
      envelope: hex(concat(Uint8Array.of(1), keyIdOf(seed('another key')), sealed.subarray(9))),
    }),
    other("sealed under another key with this one's id", {
      envelope: hex(
        concat(
          Uint8Array.of(1),
          keyIdOf(key),
          envelope('x', seed('another key'), 'record-data', objects, plaintext).subarray(9),
        ),
      ),
    }),
    other('another purpose', { purpose: 'record-key' }),
    other('another record', { objects: shown(['owner', 'recorD', objects[2] ?? '']) }),
    other('another owner', { objects: shown(['ownex', 'record', objects[2] ?? '']) }),
    other('another revision', { objects: shown(['owner', 'record', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 8)]) }),
    other('objects in another order', { objects: shown(['record', 'owner', objects[2] ?? '']) }),
    other('objects run together', { objects: shown(['ownerrecord', objects[2] ?? '']) }),
    other('an object split', { objects: shown(['own', 'er', 'record', objects[2] ?? '']) }),
    other('an object left out', { objects: shown(['owner', 'record']) }),
    other('an empty object more', { objects: shown([...objects, '']) }),
    other('objects told as the purpose', {
      purpose: 'data-key',
      objects: [],
      envelope: reseal('y', key, 'record-data', ['data-key']),
    }),
    other('sealed without a context', {
      envelope: hex(
        concat(Uint8Array.of(1), keyIdOf(key), envelope('z', key, '', [], plaintext).subarray(9)),
      ),
    }),
  ];
}

export function sealedToPublicKey(): object[] {
  const own = keyPair('ecies recipient');
  const objects = ['gateway', seed('object', 16)];
  const plaintext = seed('ecies plaintext');
  const sealed = ecies('ecies', own.publicKey, 'transmission-key', objects, plaintext);
  const base = {
    privateKey: hex(own.privateKey),
    publicKey: hex(own.publicKey),
    purpose: 'transmission-key',
    objects: shown(objects),
    sealed: hex(sealed),
  };
  const other = (name: string, change: object) => ({ ...base, name, ...change, fails: 'open-failed' });
  const stranger = keyPair('stranger');
  return [
    { ...base, name: 'a wrapped key', plaintext: hex(plaintext) },
    {
      ...base,
      name: 'no plaintext',
      sealed: hex(ecies('e', own.publicKey, 'transmission-key', objects, none)),
      plaintext: '',
    },
    ...failing(
      damage(sealed, { form: 0, x: 1, y: 33, nonce: 65, ciphertext: 77, tag: -1 }),
      'sealed',
      base,
      'open-failed',
    ),
    other('another private key', {
      privateKey: hex(stranger.privateKey),
      publicKey: hex(stranger.publicKey),
    }),
    other('another public key named as own', { publicKey: hex(stranger.publicKey) }),
    other('another purpose', { purpose: 'command-reply' }),
    other('another object', { objects: shown(['gatewax', objects[1] ?? '']) }),
    other('objects left out', { objects: [] }),
    other('the point at infinity', { sealed: hex(concat(new Uint8Array(65), sealed.subarray(65))) }),
    other('a compressed ephemeral key', {
      sealed: hex(concat(compress(sealed.subarray(0, 65)), sealed.subarray(65))),
    }),
    other('a point off the curve', {
      sealed: hex(concat(flip(sealed.subarray(0, 65), 64), sealed.subarray(65))),
    }),
    other('an x above the field', {
      sealed: hex(concat(Uint8Array.of(4), new Uint8Array(64).fill(255), sealed.subarray(65))),
    }),
    other("an ephemeral key of another's", { sealed: hex(concat(stranger.publicKey, sealed.subarray(65))) }),
  ];
}

export function signatures(): object[] {
  const own = keyPair('signer');
  const stranger = keyPair('stranger');
  const label = 'sallyport/v1/signature/command';
  const message = utf8('what is signed');
  const signature = sign(own.privateKey, label, message);
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
  const base = {
    privateKey: hex(own.privateKey),
    publicKey: hex(own.publicKey),
    context: label,
    message: hex(message),
    signature: hex(signature),
  };
  const other = (name: string, change: object) => ({ ...base, name, ...change, fails: 'bad-signature' });
  const r = signature.subarray(0, 32);
  const s = signature.subarray(32);
  return [
    { ...base, name: 'a message' },
    { ...base, name: 'an empty message', message: '', signature: hex(sign(own.privateKey, label, none)) },
    ...failing(damage(signature, { r: 0, s: 32, end: -1 }), 'signature', base, 'bad-signature'),
    other('high s', { signature: hex(highS(signature)) }),
    other('DER', { signature: hex(toDer(signature)) }),
    other('r is 0', { signature: hex(concat(new Uint8Array(32), s)) }),
    other('s is 0', { signature: hex(concat(r, new Uint8Array(32))) }),
    other('all 0', { signature: hex(new Uint8Array(64)) }),
    other('r is the order', { signature: order + hex(s) }),
    other('s is the order', { signature: hex(r) + order }),
    other('r and s swapped', { signature: hex(concat(s, r)) }),
    other('another message', { message: hex(utf8('what is signeD')) }),
    other('another context', { context: 'sallyport/v1/signature/roster' }),
    other('context moved into the message', { context: '', message: hex(context(label, message)) }),
    other('signed without a context', { signature: hex(sign(own.privateKey, '', message)) }),
    other('another key', { publicKey: hex(stranger.publicKey) }),
    other('a compressed key', { publicKey: hex(compress(own.publicKey)) }),
    other('a key off the curve', { publicKey: hex(flip(own.publicKey, 64)) }),
    other('a hybrid key form', { publicKey: hex(concat(Uint8Array.of(6), own.publicKey.subarray(1))) }),
    other('the point at infinity', { publicKey: '00' }),
    other('no key', { publicKey: '' }),
  ];
}

export function paddings(): object[] {
  const lengths = [0, 1, 255, 256, 511, 512, 1000, 4095, 4096, 16383, 16384, 40000];
  const good = lengths.map((length) => ({
    name: `${length} bytes`,
    plaintext: { length, byte: 0x41 },
    paddedLength: pad(new Uint8Array(length)).length,
  }));
  const bad = (name: string, bytes: Uint8Array) => ({ name, padded: hex(bytes), fails: 'malformed' });
  const block = pad(utf8('text'));
  return [
    ...good,
    bad('nothing', none),
    bad('zeros only', new Uint8Array(256)),
    bad('no marker', new Uint8Array(256).fill(0x41)),
    bad('another marker', concat(utf8('text'), Uint8Array.of(0x81), new Uint8Array(251))),
    bad('a byte after the zeros', flip(block, 255)),
    bad('the last zero cut', block.subarray(0, 255)),
    bad('a zero more', concat(block, Uint8Array.of(0))),
    bad('a bucket too large', concat(block, new Uint8Array(256))),
    bad('no bucket', concat(utf8('text'), Uint8Array.of(0x80))),
    bad('marker alone', Uint8Array.of(0x80)),
    bad('a full block without room for its marker', new Uint8Array(512).fill(7)),
  ];
}

export function base64url(): object[] {
  const good = ['', 'AA', 'AAA', 'AAAA', '_-8', 'AQIDBA', '__________8'];
  const bad: readonly (readonly [string, string])[] = [
    ['padding', 'AA=='],
    ['half padding', 'AAA='],
    ['standard alphabet +', '+w'],
    ['standard alphabet /', '/w'],
    ['one character', 'A'],
    ['five characters', 'AAAAA'],
    ['trailing bits set in two characters', 'AB'],
    ['trailing bits set in three characters', 'AAB'],
    ['a space', 'AA AA'],
    ['a line end', 'AAAA\n'],
    ['a leading space', ' AAAA'],
    ['a full stop', 'AAA.'],
    ['a letter outside ASCII', 'AAÄA'],
    ['a zero byte', 'AA\0A'],
    ['a percent sign', 'AA%3D'],
  ];
  return [
    ...good.map((text) => ({
      name: `"${text}"`,
      text,
      bytes: Buffer.from(text, 'base64url').toString('hex'),
    })),
    ...bad.map(([name, text]) => ({ name, text, fails: 'malformed' })),
  ];
}

export function uids(): object[] {
  const { text, bytes } = uid('uid');
  const bad: readonly (readonly [string, string])[] = [
    ['empty', ''],
    ['15 bytes', Buffer.from(bytes.subarray(1)).toString('base64url')],
    ['17 bytes', Buffer.from(concat(bytes, Uint8Array.of(1))).toString('base64url')],
    ['padded', `${text}==`],
    ['standard alphabet', '++++++++++++++++++++++'],
    ['trailing bits set', `${text.slice(0, -1)}B`],
    ['a space in front', ` ${text}`],
    ['hexadecimal', hex(bytes)],
    ['with hyphens as a UUID', '00000000-0000-0000-0000-000000000000'],
  ];
  return [
    { name: 'random', text, bytes: hex(bytes) },
    { name: 'zeros', text: 'A'.repeat(22), bytes: '00'.repeat(16) },
    { name: 'ones', text: '_'.repeat(21) + 'w', bytes: 'ff'.repeat(16) },
    { name: 'a leading hyphen', text: '-' + 'A'.repeat(21), bytes: 'f8' + '00'.repeat(15) },
    ...bad.map(([name, value]) => ({ name, text: value, fails: 'malformed' })),
  ];
}

/** Every label of §3 with the key it gives: a label that changes breaks everything sealed before. */
export function derivations(): object[] {
  const key = seed('derivation key');
  const app = uid('application');
  const record = uid('record');
  const session = uid('session');
  const gateway = uid('gateway');
  const nonce = seed('session nonce', 16);
  const device = keyPair('gateway device').publicKey;
  const traffic = (label: string) =>
    hkdf(key, nonce, context(label, session.text, record.text, gateway.text));
  const identityKey = hkdf(key, none, context('sallyport/v1/gateway-identity'));
  const base = {
    key: hex(key),
    applicationUid: app.text,
    recordUid: record.text,
    sessionUid: session.text,
    gatewayUid: gateway.text,
    sessionNonce: hex(nonce),
    devicePublicKey: hex(device),
  };
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['keyId', keyIdOf(key)],
    ['applicationKey', hkdf(key, none, context('sallyport/v1/application-key', app.text))],
    [
      'applicationRecordKey',
      hkdf(key, none, context('sallyport/v1/application-record-key', app.text, record.text)),
    ],
    [
      'accountWrappingKey/password',
      hkdf(key, none, context('sallyport/v1/account-wrapping-key', 'password')),
    ],
    [
      'accountWrappingKey/recovery',
      hkdf(key, none, context('sallyport/v1/account-wrapping-key', 'recovery')),
    ],
    ['localWrappingKey', hkdf(key, none, context('sallyport/v1/local-wrapping-key'))],
    [
      'passkeyWrappingKey',
      hkdf(key, none, context('sallyport/v1/passkey-wrapping-key', app.text, gateway.bytes)),
    ],
    ['passkeyInput', sha256(context('sallyport/v1/passkey-input'))],
    ['deviceFingerprint', sha256(context('sallyport/v1/device-fingerprint', device))],
    ['vaultToGateway', traffic('sallyport/v1/session-signal/vault-to-gateway')],
    ['gatewayToVault', traffic('sallyport/v1/session-signal/gateway-to-vault')],
    ['gatewayIdentity', hmac('sha256', identityKey, concat(gateway.bytes, device))],
  ];
  return cases.map(([name, derived]) => ({ ...base, name, derived: hex(derived) }));
}
