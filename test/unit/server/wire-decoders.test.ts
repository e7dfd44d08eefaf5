// What a server opens by Node's own functions, on hostile input: no browser has these.
import { describe } from 'vitest';
import { parseHex } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { unwrapKey, VerifyingKeys } from '../../../server/secrets-manager/wire-crypto.ts';
import { openWireRequest } from '../../../server/secrets-manager/wire-request.ts';
import { runs } from '../../fuzz-runs.ts';
import type { Decoder } from '../protocol/fuzz/decoders.ts';
import { hostileBytes, hostileText } from '../protocol/fuzz/mutation.ts';
import { fuzz } from '../protocol/fuzz/run.ts';
import ecies from '../../vectors/secrets-manager-ecies.json' with { type: 'json' };
import requests from '../../vectors/secrets-manager-requests.json' with { type: 'json' };

const pair = generateEcdhKeyPair();
const [request] = requests.cases;
if (!request) throw new Error('no vector');
const headers = Object.fromEntries(
  Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
);
const body = parseHex(request.body);
const serverKeys = request.serverKeys.map(({ id, privateKey, publicKey }) => ({
  ...{ id, privateKey: parseHex(privateKey), publicKey: parseHex(publicKey) },
}));

const bytes: readonly Decoder<Uint8Array>[] = [
  {
    name: 'signature in DER',
    valid: [parseHex('3006020101020101')],
    decode: (signature) => new VerifyingKeys().verify(pair.publicKey, new Uint8Array(0), signature),
    cost: 5,
  },
  {
    name: 'wrapped key',
    valid: ecies.cases.flatMap((vector) => ('sealed' in vector ? [parseHex(vector.sealed)] : [])),
    decode: (sealed) => unwrapKey({ id: 1, ...pair }, sealed),
  },
  {
    name: 'body',
    valid: [body],
    decode: (sealed) => openWireRequest({ headers, body: sealed, serverKeys }),
    cost: 5,
  },
];

const texts = Object.entries(headers).map(([name, value]): Decoder<string> => ({
  name: `header ${name}`,
  valid: [value],
  decode: (text) => openWireRequest({ headers: { ...headers, [name]: text }, body, serverKeys }),
  cost: 5,
}));

describe('bytes', () => fuzz(bytes, hostileBytes, runs(300)));
describe('texts', () => fuzz(texts, hostileText, runs(300)));
