import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { SessionSignalSchema } from '../../../protocol/messages/gen/session_pb.js';
import { damage } from './mutations.ts';
import {
  concat,
  context,
  envelope,
  hex,
  hkdf,
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

const none = new Uint8Array(0);

/** §13 */
export function sessionSignals(): object[] {
  const trafficSeed = seed('traffic seed');
  const nonce = seed('session nonce', 16);
  const scope = {
    sessionUid: uid('session').text,
    recordUid: uid('record').text,
    gatewayUid: uid('gateway').text,
  };
  const ids = [scope.sessionUid, scope.recordUid, scope.gatewayUid];
  const key = (direction: string, objects = ids) =>
    hkdf(trafficSeed, nonce, context(`sallyport/v1/session-signal/${direction}`, ...objects));
  const toGateway = key('vault-to-gateway');
  const signal = (sequence: number, mid = '0') =>
    encodeMessage(SessionSignalSchema, {
      sequence,
      body: { case: 'candidate', value: { candidate: 'candidate:1', mid } },
    });
  const seal = (
    sequence: number,
    { k = toGateway, from = 'vault', objects = ids, purpose = 'session-signal' } = {},
  ) => envelope(`signal ${sequence}`, k, purpose, [from, ...objects], signal(sequence));
  const base = { side: 'gateway', seed: hex(trafficSeed), nonce: hex(nonce), scope };
  const good = (name: string, ...sequences: number[]) => ({
    ...base,
    name,
    signals: sequences.map((n) => hex(seal(n))),
    sequences,
  });
  const bad = (name: string, signals: readonly Uint8Array[], fails = 'open-failed') => ({
    ...base,
    name,
    signals: signals.map(hex),
    fails,
  });
  const moved = (name: string, change: object) => ({
    ...base,
    name,
    scope: { ...scope, ...change },
    signals: [hex(seal(1))],
    fails: 'open-failed',
  });
  return [
    good('one', 1),
    good('rising', 1, 2, 5),
    bad('a repeat', [seal(1), seal(1)], 'replayed'),
    bad('an older one', [seal(2), seal(1)], 'replayed'),
    bad('sequence 0', [seal(0)], 'replayed'),
    bad('reflected: from the gateway itself', [seal(1, { k: key('gateway-to-vault'), from: 'gateway' })]),
    bad("under the other direction's key", [seal(1, { k: key('gateway-to-vault') })]),
    bad('naming the other side', [seal(1, { from: 'gateway' })]),
    bad('sent as a command reply', [seal(1, { purpose: 'command-reply' })]),
    bad('of another session', [seal(1, { objects: [uid('other').text, ...ids.slice(1)] })]),
    bad('under the traffic seed itself', [seal(1, { k: trafficSeed })]),
    bad(
      'that is no message',
      [envelope('junk', toGateway, 'session-signal', ['vault', ...ids], Uint8Array.of(0xff))],
      'malformed',
    ),
    ...damage(seal(1), { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map(
      ({ name, bytes }) => bad(name, [bytes]),
    ),
    moved('for another session', { sessionUid: uid('other').text }),
    moved('for another record', { recordUid: uid('other').text }),
    moved('for another gateway', { gatewayUid: uid('other').text }),
    { ...good('for another nonce', 1), nonce: hex(seed('other', 16)), fails: 'open-failed' },
    { ...good('for another seed', 1), seed: hex(seed('other')), fails: 'open-failed' },
    { ...good('a seed of 31 bytes', 1), seed: hex(seed('short', 31)), fails: 'malformed' },
    { ...good('a nonce of 12 bytes', 1), nonce: hex(seed('short', 12)), fails: 'malformed' },
    { ...good('opened by the side that sealed it', 1), side: 'vault', fails: 'open-failed' },
  ];
}

/** §9.2 */
export function records(): object[] {
  const key = seed('record key');
  const owner = uid('account').text;
  const record = uid('record').text;
  const content = { type: 'login', title: 'Ünïcode', fields: [{ type: 'password', value: ['p'] }] };
  const seal = (
    text: string | Uint8Array,
    objects: readonly (string | Uint8Array)[] = [owner, record, uint64(3)],
    purpose = 'record-data',
    k = key,
  ) => envelope('record', k, purpose, objects, typeof text === 'string' ? pad(utf8(text)) : text);
  const text = JSON.stringify(content);
  const sealed = seal(text);
  const base = { key: hex(key), ownerUid: owner, recordUid: record, revision: 3, sealed: hex(sealed) };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  const malformed = (name: string, json: string) => bad(name, { sealed: hex(seal(json)) }, 'malformed');
  return [
    { ...base, name: 'a login', content },
    bad('another revision', { revision: 4 }),
    bad('an older revision', { revision: 2 }),
    bad('another record', { recordUid: uid('other').text }),
    bad('another owner', { ownerUid: uid('other').text }),
    bad('record and owner swapped', { recordUid: owner, ownerUid: record }),
    bad('another key', { key: hex(seed('other')) }),
    bad('sealed as a record key', { sealed: hex(seal(text, undefined, 'record-key')) }),
    bad('sealed without a revision', { sealed: hex(seal(text, [owner, record])) }),
    bad('in clear', { sealed: hex(utf8(text)) }),
    bad('without padding', { sealed: hex(seal(utf8(text))) }, 'malformed'),
    malformed('no json', 'text'),
    malformed('a list', '[]'),
    malformed('null', 'null'),
    malformed('no title', '{"type":"login","fields":[]}'),
    malformed('no fields', '{"type":"login","title":"t"}'),
    malformed(
      'a field without a list of values',
      '{"type":"login","title":"t","fields":[{"type":"password","value":"p"}]}',
    ),
    malformed('a null value', '{"type":"login","title":"t","fields":[{"type":"password","value":[null]}]}'),
    malformed('notes that are a number', '{"type":"login","title":"t","fields":[],"notes":1}'),
    bad('not utf-8', { sealed: hex(seal(pad(Uint8Array.of(0xff)))) }, 'malformed'),
    ...damage(sealed, { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map(({ name, bytes }) =>
      bad(name, { sealed: hex(bytes) }),
    ),
  ];
}

/** §8.2 */
export function dataKeys(): object[] {
  const exportKey = seed('export key', 64);
  const dataKey = seed('data key');
  const account = uid('account').text;
  const wrapping = (factor: string) =>
    hkdf(exportKey, none, context('sallyport/v1/account-wrapping-key', factor));
  const seal = (factor: string, wrappedFor = factor, who = account) =>
    hex(envelope('data key', wrapping(factor), 'data-key', [who, wrappedFor], dataKey));
  const base = {
    exportKey: hex(exportKey),
    factor: 'password',
    accountUid: account,
    sealed: seal('password'),
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'open-failed' });
  return [
    { ...base, name: 'by password', dataKey: hex(dataKey) },
    {
      ...base,
      name: 'by recovery phrase',
      factor: 'recovery',
      sealed: seal('recovery'),
      dataKey: hex(dataKey),
    },
    bad('of the other factor', { sealed: seal('recovery') }),
    bad('asked for the other factor', { factor: 'recovery' }),
    bad('wrapped for the other factor', { sealed: seal('password', 'recovery') }),
    bad('of another account', { sealed: seal('password', 'password', uid('other').text) }),
    bad('asked for another account', { accountUid: uid('other').text }),
    bad('another export key', { exportKey: hex(seed('other', 64)) }),
    bad('under the export key itself', {
      sealed: hex(envelope('raw', exportKey.subarray(0, 32), 'data-key', [account, 'password'], dataKey)),
    }),
    bad('in clear', { sealed: hex(dataKey) }),
    bad('nothing', { sealed: '' }),
  ];
}

/** §10.2 */
export function enrolmentTokens(): object[] {
  const bytes = concat(
    seed('one-time token'),
    uid('gateway').bytes,
    uid('configuration').bytes,
    seed('server identity'),
  );
  const text = (value: Uint8Array, prefix = 'sallyport1_') =>
    prefix + Buffer.from(value).toString('base64url');
  const parts = {
    token: hex(seed('one-time token')),
    gatewayUid: uid('gateway').text,
    configurationUid: uid('configuration').text,
    serverIdentity: hex(seed('server identity')),
  };
  const bad = (name: string, value: string) => ({ name, text: value, fails: 'malformed' });
  return [
    { name: 'as printed', text: text(bytes), parts },
    { name: 'with a line end from pasting', text: ` ${text(bytes)}\n`, parts },
    bad('nothing', ''),
    bad('the prefix alone', 'sallyport1_'),
    bad('no prefix', text(bytes, '')),
    bad('another version', text(bytes, 'sallyport2_')),
    bad('capitals in the prefix', text(bytes, 'Sallyport1_')),
    bad('a byte less', text(bytes.subarray(0, -1))),
    bad('a byte more', text(concat(bytes, Uint8Array.of(0)))),
    bad('padded', `${text(bytes)}==`),
    bad('a character cut', text(bytes).slice(0, -1)),
    bad('a space inside', text(bytes).replace('_', '_ ')),
    bad('twice', text(bytes) + text(bytes)),
  ];
}

/** §10.1 */
export function applicationCopies(): object[] {
  const expected = { recordUid: uid('record').text, applicationUid: uid('application').text };
  const owner = keyPair('copy owner');
  const content = { type: 'login', title: 't', fields: [] };
  const ownerUid = uid('account').text;
  const whole = { ...expected, ownerUid, revision: 2, keyVersion: 3 };
  const plain = (binding: unknown) => JSON.stringify({ ...content, sallyport: binding });
  const withSignature = (text: string, signature: Uint8Array, members = '') =>
    `${text.slice(0, -2)}${members},"signature":"${Buffer.from(signature).toString('base64url')}"}}`;
  const signatureOf = (text: string, of = whole, by = owner.privateKey) =>
    sign(
      by,
      'sallyport/v1/signature/application-copy',
      context(
        uid('application').bytes,
        uid('record').bytes,
        uid('account').bytes,
        uint64(of.revision),
        uint32(of.keyVersion),
        sha256(utf8(text)),
      ),
    );
  const signed = (binding: Record<string, unknown> = whole) => {
    const text = plain(binding);
    return withSignature(text, signatureOf(text));
  };
  const base = { expected, ownerKey: hex(owner.publicKey) };
  const bad = (name: string, text: string, fails = 'untrusted') => ({ name, ...base, text, fails });
  const good = signed();
  return [
    { name: 'of this record and application', ...base, text: good + ' '.repeat(200), ownerUid },
    bad('of another record', signed({ ...whole, recordUid: uid('other').text })),
    bad('for another application', signed({ ...whole, applicationUid: uid('other').text })),
    bad(
      'the two swapped',
      signed({ ...whole, recordUid: expected.applicationUid, applicationUid: expected.recordUid }),
    ),
    bad('that does not say', JSON.stringify(content)),
    bad('with an empty binding', plain({})),
    bad('with a binding that is a text', plain('x')),
    bad('without an owner', signed({ ...expected, revision: 2, keyVersion: 3 })),
    bad('with an owner that is no UID', signed({ ...whole, ownerUid: 'x' })),
    bad('with an owner that is a number', signed({ ...whole, ownerUid: 1 })),
    bad('without a revision', signed({ ...expected, ownerUid, keyVersion: 3 })),
    bad('of revision 0', signed({ ...whole, revision: 0 })),
    bad('of half a revision', signed({ ...whole, revision: 1.5 })),
    bad('with a revision that is a text', signed({ ...whole, revision: '2' })),
    bad('without a key version', signed({ ...expected, ownerUid, revision: 2 })),
    bad('of key version 0', signed({ ...whole, keyVersion: 0 })),
    bad('without a signature', plain(whole)),
    bad('with a signature that is not the last', good.replace(/\}\}$/, ',"more":1}}')),
    bad(
      'signed by somebody else',
      withSignature(plain(whole), signatureOf(plain(whole), whole, keyPair('stranger').privateKey)),
      'bad-signature',
    ),
    bad('changed after it was signed', good.replace('"title":"t"', '"title":"u"'), 'bad-signature'),
    bad('with a space after it was signed', good.replace('"title":', '"title": '), 'bad-signature'),
    bad(
      'with the signature of a former revision',
      withSignature(plain(whole), signatureOf(plain(whole), { ...whole, revision: 1 })),
      'bad-signature',
    ),
    bad('no json', 'x', 'malformed'),
    bad('no record', '[]', 'malformed'),
  ];
}
