import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  concat,
  copy,
  encodeBase64,
  encodeBase64url,
  parseHex,
  utf8,
  type Bytes,
} from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { sealLegacyBlob, sealLegacyEcies } from '../../../protocol/secrets-manager/legacy-crypto.ts';
import { sealSecretsManagerRequest } from '../../../protocol/secrets-manager/request.ts';
import { unwrapKey, VerifyingKeys } from '../../../server/secrets-manager/wire-crypto.ts';
import { openWireRequest, type WireRequest } from '../../../server/secrets-manager/wire-request.ts';
import { runs } from '../../fuzz-runs.ts';
import { sealedAnswer } from '../../fixtures/secrets/sealed-answer.ts';
import { openByWebCrypto, verifyByWebCrypto } from '../../fixtures/secrets/webcrypto-request.ts';
import ecies from '../../vectors/secrets-manager-ecies.json' with { type: 'json' };
import vectors from '../../vectors/secrets-manager-requests.json' with { type: 'json' };

const serverKeys = [
  { id: 20, ...generateEcdhKeyPair() },
  { id: 10, ...generateEcdhKeyPair() },
];
const clientKey = generateEcdhKeyPair();
const keys = new VerifyingKeys();

const seal = (payload: object = { clientVersion: 'sp1', clientId: 'x' }) =>
  sealSecretsManagerRequest(serverKeys[0]!, clientKey.privateKey, payload);
const lower = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
const requestOf = ({ headers, body }: { headers: Readonly<Record<string, string>>; body: Bytes }) => ({
  ...{ headers: lower(headers), body, serverKeys },
});

test.each(vectors.cases.map((vector) => [vector.name, vector] as const))('vector: %s', (_, vector) => {
  const headers: Record<string, string | string[] | undefined> = {};
  for (const [name, value] of Object.entries(vector.headers)) headers[name] = value ?? undefined;
  const open = () =>
    openWireRequest({
      ...{ headers, body: parseHex(vector.body) },
      serverKeys: vector.serverKeys.map(({ id, privateKey, publicKey }) => ({
        ...{ id, privateKey: parseHex(privateKey), publicKey: parseHex(publicKey) },
      })),
    });
  const verify = () => {
    const opened = open();
    keys.verify(parseHex(vector.clientPublicKey), opened.signedBytes, opened.signature);
    return opened;
  };
  if ('fails' in vector) return expect(verify).toThrow(expect.objectContaining({ code: vector.fails }));
  const opened = verify();
  expect(opened.payload).toEqual(vector.payload);
  expect(encodeBase64url(opened.mark)).toBe(vector.transmissionKeyId);
});

test.each(ecies.cases.map((vector) => [vector.name, vector] as const))('ECIES vector: %s', (_, vector) => {
  const sealed = parseHex(vector.sealed);
  const unwrap = () =>
    unwrapKey({ id: 1, privateKey: parseHex(vector.privateKey), publicKey: new Uint8Array(65) }, sealed);
  if ('fails' in vector || vector.plaintext.length !== 64)
    return expect(unwrap).toThrow(expect.objectContaining({ code: 'open-failed' }));
  expect(unwrap().export().toString('hex')).toBe(vector.plaintext);
});

describe('request', () => {
  test('the server reads what the client sealed, and its answer comes back', async () => {
    const request = await seal({ clientVersion: 'sp1', n: 1 });
    const opened = openWireRequest(requestOf(request));
    expect(opened.payload).toEqual({ clientVersion: 'sp1', n: 1 });
    keys.verify(clientKey.publicKey, opened.signedBytes, opened.signature);
    expect(await request.openResponse(sealedAnswer(opened, { ok: [1] }))).toEqual({ ok: [1] });
    expect(await request.openResponse(sealedAnswer(opened, null))).toBeNull();
    const large = { text: 'x'.repeat(1_000_000) };
    const { length, pieces } = opened.seal([utf8('{'), utf8(JSON.stringify(large).slice(1))]);
    const sealed = concat(...pieces);
    expect(sealed).toHaveLength(length);
    expect(await request.openResponse(sealed)).toEqual(large);
  });

  test('a signature by another key, or over another body, is refused', async () => {
    const { signedBytes, signature } = openWireRequest(requestOf(await seal()));
    const refused = (key: Uint8Array, bytes: Uint8Array, by: Uint8Array) =>
      expect(() => keys.verify(key, bytes, by)).toThrow('bad-signature');
    refused(generateEcdhKeyPair().publicKey, signedBytes, signature);
    refused(clientKey.publicKey, concat(signedBytes, Uint8Array.of(0)), signature);
    for (const bytes of [new Uint8Array(0), new Uint8Array(70), signature.subarray(1)])
      refused(clientKey.publicKey, signedBytes, bytes);
  });

  test('a replay has the same mark however the header is spelt', async () => {
    const request = requestOf(await seal());
    const header = request.headers['transmissionkey']!;
    const spelt = header.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    const open = (transmissionkey: string) =>
      openWireRequest({ ...request, headers: { ...request.headers, transmissionkey } });
    expect(open(spelt).mark).toEqual(open(header).mark);
  });

  test.each<[string, (request: { headers: Record<string, string>; body: Bytes }) => void, string]>([
    ['an unknown key id', (r) => (r.headers['publickeyid'] = '7'), 'unknown-server-key'],
    ['a key id with a sign', (r) => (r.headers['publickeyid'] = '+20'), 'malformed'],
    ['no key id', (r) => delete r.headers['publickeyid'], 'malformed'],
    ["another server key's id", (r) => (r.headers['publickeyid'] = '10'), 'open-failed'],
    ['no transmission key', (r) => delete r.headers['transmissionkey'], 'malformed'],
    ['a transmission key that is cut', (r) => (r.headers['transmissionkey'] = 'AAAA'), 'malformed'],
    ['a transmission key that is no base64', (r) => (r.headers['transmissionkey'] = '!'), 'malformed'],
    ['another authorization scheme', (r) => (r.headers['authorization'] = 'Bearer x'), 'malformed'],
    ['a body that was changed', (r) => (r.body[20] = (r.body[20] ?? 0) ^ 1), 'open-failed'],
    ['an empty body', (r) => (r.body = new Uint8Array(0)), 'open-failed'],
    ['a body over the limit', (r) => (r.body = new Uint8Array(5_000_000)), 'too-large'],
  ])('%s is refused', async (_, change, code) => {
    const request = requestOf(await seal());
    change(request as { headers: Record<string, string>; body: Bytes });
    expect(() => openWireRequest(request)).toThrow(expect.objectContaining({ code }));
  });

  test('a key of another length is none, whatever it is wrapped with', async () => {
    for (const length of [0, 16, 31, 33, 64]) {
      const wrapped = await sealLegacyEcies(serverKeys[0]!.publicKey, new Uint8Array(length));
      expect(() => unwrapKey(serverKeys[0]!, wrapped)).toThrow('open-failed');
    }
  });

  test('keys that verified are remembered, and only so many', async () => {
    const few = new VerifyingKeys(2);
    const { signedBytes, signature } = openWireRequest(requestOf(await seal()));
    for (let i = 0; i < 5; i++) {
      const other = generateEcdhKeyPair();
      const request = await sealSecretsManagerRequest(serverKeys[0]!, other.privateKey, {});
      const opened = openWireRequest(requestOf(request));
      few.verify(other.publicKey, opened.signedBytes, opened.signature);
      few.verify(clientKey.publicKey, signedBytes, signature);
      expect(() => few.verify(other.publicKey, signedBytes, signature)).toThrow('bad-signature');
      expect(few.size).toBeLessThanOrEqual(2);
    }
  });
});

/** What is thrown, or what was read. */
async function verdict(request: WireRequest, read: (request: WireRequest) => unknown): Promise<unknown> {
  try {
    return await read(request);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const byServer = (request: WireRequest) => {
  const { payload, signedBytes, signature, mark } = openWireRequest(request);
  keys.verify(clientKey.publicKey, signedBytes, signature);
  return { payload, signedBytes: copy(signedBytes), signature: copy(signature), mark: encodeBase64url(mark) };
};
const byReference = async (request: WireRequest) => {
  const opened = await openByWebCrypto(request);
  const { payload, signedBytes, signature, transmissionKeyId } = opened;
  await verifyByWebCrypto(clientKey.publicKey, signedBytes, signature);
  return { payload, signedBytes, signature, mark: transmissionKeyId };
};
const bothSay = async (request: WireRequest) => {
  const said = await verdict(request, byServer);
  expect(said).toEqual(await verdict(request, byReference));
  return said;
};

/** Bytes changed at some places, cut, or lengthened. */
const mutation = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => (bytes: Uint8Array) => {
    if (bytes.length === 0) return copy(bytes);
    const place = at % bytes.length;
    return copy(bytes).with(place, (bytes[place] ?? 0) ^ bits);
  }),
  fc.nat().map((at) => (bytes: Uint8Array) => copy(bytes.subarray(0, at % (bytes.length + 1)))),
  fc.uint8Array({ maxLength: 40 }).map((more) => (bytes: Uint8Array) => concat(bytes, more)),
  fc.uint8Array({ maxLength: 160 }).map((other) => () => copy(other)),
);
const same = (text: string) => text;
const spelling = fc.oneof(
  { weight: 9, arbitrary: fc.constant(same) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<(text: string) => string>(
      (text) => text.replace(/=+$/, ''),
      (text) => text.replaceAll('+', '-').replaceAll('/', '_'),
      (text) => `${text}=`,
      (text) => `${text}==`,
      (text) => ` ${text}`,
      (text) => `${text}\n`,
      (text) => text.slice(1),
      (text) => `${text}A`,
      (text) => `${text.slice(0, 5)}=${text.slice(5)}`,
      (text) => `${text.slice(0, 5)}é${text.slice(6)}`,
    ),
  },
);
const keyId = fc.oneof(
  { weight: 9, arbitrary: fc.constant('20') },
  { weight: 1, arbitrary: fc.constantFrom('10', '7', '020', ' 20', '', '1e1', '2147483648') },
);

describe('both implementations say the same', () => {
  test('of every request that is changed anywhere', async () => {
    const sound = await seal({ clientVersion: 'sp1', clientId: 'x', requestedRecords: ['a'] });
    const { headers, body } = requestOf(sound);
    const decode = (text: string) => Buffer.from(text, 'base64');
    const wrapped = decode(headers['transmissionkey']!);
    const signature = decode(headers['authorization']!.slice('Signature '.length));
    const untouched = (bytes: Uint8Array) => copy(bytes);
    const heard = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('wrapped', 'signature', 'body', 'none'),
        mutation,
        spelling,
        spelling,
        keyId,
        async (place, change, spellKey, spellSignature, publickeyid) => {
          const of = (name: string) => (name === place ? change : untouched);
          const said = await bothSay({
            headers: {
              publickeyid,
              transmissionkey: spellKey(encodeBase64(of('wrapped')(wrapped))),
              authorization: `Signature ${spellSignature(encodeBase64(of('signature')(signature)))}`,
            },
            body: of('body')(body),
            serverKeys,
          });
          const kind = typeof said === 'string' ? said.split(':')[0]! : 'read';
          heard.set(kind, (heard.get(kind) ?? 0) + 1);
        },
      ),
      { numRuns: runs(1500) },
    );
    for (const kind of ['read', 'malformed', 'open-failed', 'bad-signature', 'unknown-server-key'])
      expect(heard.get(kind), kind).toBeGreaterThan(10);
  }, 120_000);

  test('of headers that are any text, twice there, or missing', async () => {
    const { headers, body } = requestOf(await seal());
    const value = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.constant(undefined),
      fc.constant(['a', 'b']),
      fc.string().map((text) => `Signature ${text}`),
      fc.base64String().map((text) => `Signature ${text}`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('publickeyid', 'transmissionkey', 'authorization'),
        value,
        async (name, said) => {
          await bothSay({ headers: { ...headers, [name]: said }, body, serverKeys });
        },
      ),
      { numRuns: runs(500) },
    );
  }, 120_000);

  test('of points that are none of ours: compressed, hybrid, off the curve, at infinity, out of range', async () => {
    const { headers, body } = requestOf(await seal());
    const wrapped = Buffer.from(headers['transmissionkey']!, 'base64');
    const point = wrapped.subarray(0, 65);
    const odd = (point[64] ?? 0) & 1;
    const points = [
      concat(Uint8Array.of(2 + odd), point.subarray(1, 33), new Uint8Array(32)),
      concat(Uint8Array.of(6 + odd), point.subarray(1)),
      concat(Uint8Array.of(4), new Uint8Array(64)),
      new Uint8Array(65),
      concat(Uint8Array.of(4), new Uint8Array(64).fill(0xff)),
      concat(point.subarray(0, 33), point.subarray(1, 33)),
      concat(Uint8Array.of(4), point.subarray(33), point.subarray(1, 33)),
    ];
    for (const other of points) {
      const transmissionkey = encodeBase64(concat(other, wrapped.subarray(65)));
      const said = await bothSay({ headers: { ...headers, transmissionkey }, body, serverKeys });
      expect(said).toMatch(/^open-failed/);
    }
  });

  test('of plaintexts that are no JSON in UTF-8, and of bodies up to the limit', async () => {
    const key = new Uint8Array(32).fill(7);
    const transmissionkey = encodeBase64(await sealLegacyEcies(serverKeys[0]!.publicKey, key));
    const headers = { publickeyid: '20', transmissionkey, authorization: 'Signature MAYCAQECAQE=' };
    const texts = [
      utf8(''),
      utf8('{'),
      Uint8Array.of(0x22, 0xff, 0x22),
      utf8('\ufeff{}'),
      utf8('null'),
      utf8('[1]'),
    ];
    for (const text of texts) await bothSay({ headers, body: await sealLegacyBlob(key, text), serverKeys });
    for (const length of [0, 11, 12, 27, 28, 29, limits.apiBody, limits.apiBody + 1])
      await bothSay({ headers, body: new Uint8Array(length), serverKeys });
  });
});
