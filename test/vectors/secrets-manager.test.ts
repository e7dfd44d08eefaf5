import { expect } from 'vitest';
import { encodeBase64, encodeHex, parseHex } from '../../protocol/bytes.ts';
import { clientIdOf } from '../../protocol/secrets-manager/client-id.ts';
import { openLegacyEcies } from '../../protocol/secrets-manager/legacy-crypto.ts';
import * as payloadParsers from '../../protocol/secrets-manager/requests.ts';
import { openByWebCrypto, verifyByWebCrypto } from '../fixtures/secrets/webcrypto-request.ts';
import { runVectors } from './cases.ts';
import clientIds from './secrets-manager-client-ids.json' with { type: 'json' };
import ecies from './secrets-manager-ecies.json' with { type: 'json' };
import payloads from './secrets-manager-payloads.json' with { type: 'json' };
import requests from './secrets-manager-requests.json' with { type: 'json' };

runVectors<{ token: string; clientId: string }>('client id', clientIds, ({ token, clientId }) => {
  expect(encodeBase64(clientIdOf(parseHex(token)))).toBe(clientId);
});

interface Ecies {
  readonly privateKey: string;
  readonly sealed: string;
  readonly plaintext: string;
}

runVectors<Ecies>('secrets-manager ECIES', ecies, async ({ privateKey, sealed, plaintext }) => {
  expect(encodeHex(await openLegacyEcies(parseHex(privateKey), parseHex(sealed)))).toBe(plaintext);
});

interface Request {
  readonly serverKeys: readonly {
    readonly id: number;
    readonly privateKey: string;
    readonly publicKey: string;
  }[];
  readonly clientPublicKey: string;
  readonly headers: Readonly<Record<string, string | string[] | null>>;
  readonly body: string;
  readonly payload: object;
  readonly transmissionKeyId: string;
}

runVectors<Request>('secrets-manager request', requests, async (vector) => {
  const present = Object.entries(vector.headers).map(([name, value]) => [name, value ?? undefined] as const);
  const opened = await openByWebCrypto({
    headers: Object.fromEntries(present),
    body: parseHex(vector.body),
    serverKeys: vector.serverKeys.map(({ id, privateKey, publicKey }) => ({
      id,
      privateKey: parseHex(privateKey),
      publicKey: parseHex(publicKey),
    })),
  });
  await verifyByWebCrypto(parseHex(vector.clientPublicKey), opened.signedBytes, opened.signature);
  expect(opened.payload).toEqual(vector.payload);
  expect(opened.transmissionKeyId).toBe(vector.transmissionKeyId);
});

const parsers: Readonly<Record<string, (payload: unknown) => object>> = {
  get_secret: payloadParsers.parseReadSecrets,
  update_secret: payloadParsers.parseUpdateSecret,
  create_secret: payloadParsers.parseCreateSecret,
  delete_secret: payloadParsers.parseDeleteSecret,
  create_folder: payloadParsers.parseCreateFolder,
  add_file: payloadParsers.parseAddFile,
};

runVectors<{ method: string; payload: unknown }>('secrets-manager payload', payloads, (vector) => {
  expect(parsers[vector.method]?.(vector.payload)).toMatchObject({ clientVersion: 'mp17.3.0' });
});
