import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeBase64 } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { sealSecretsManagerRequest } from '../../../protocol/secrets-manager/request.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import type { KeyRing } from '../../../server/keys/key-ring.ts';
import { InProcessHead } from '../../../server/router/head/in-process.ts';
import { AccessEvents } from '../../../server/secrets-manager/access-events.ts';
import { SecretsDesk, secretsRate } from '../../../server/secrets-manager/secrets-desk.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { scriptedStore } from '../../fixtures/scripted-store.ts';

const serverKey = { id: 10, ...generateEcdhKeyPair() };
const clientKey = generateEcdhKeyPair();
const clientId = new Uint8Array(64).fill(1);
const account = uidBytes(newUid());
const row = {
  ...{ client_id: clientId, application_uid: account, owner_uid: account, app_data: account, kind: 2 },
  ...{
    public_key: clientKey.publicKey,
    encrypted_app_key: null,
    app_owner_public_key: account,
    lock_ip: false,
  },
  ...{ bound_address: null, first_access_expires_at: 0, access_expires_at: 10_000, last_access_at: null },
  ...{ address: '', client_version: '', count: 0, newest: 0 },
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 0 }));
afterEach(() => void vi.useRealTimers());

/** Asks a desk whose store takes that long to say who the client is. */
async function askAfter(ms: number): Promise<boolean> {
  let ran = false;
  const { db } = scriptedStore((sql) => {
    if (!sql.includes('FROM client JOIN')) return [{ event: 1 }];
    vi.setSystemTime(ms);
    return [row];
  });
  const desk = new SecretsDesk({
    ...{
      db,
      head: new InProcessHead(),
      rate: secretsRate,
      events: new AccessEvents(db, createLogger('silent')),
    },
    ring: { keys: [serverKey] } as Partial<KeyRing> as KeyRing,
    methods: new Map([['get_secret', async () => ((ran = true), {})]]),
  });
  const payload = { clientVersion: 'test', clientId: encodeBase64(clientId) };
  const { headers, body } = await sealSecretsManagerRequest(serverKey, clientKey.privateKey, payload);
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const answer = desk.answer({ method: 'get_secret', headers: lower, body, address: '198.51.100.1' });
  if (ms < row.access_expires_at) await answer;
  else await expect(answer).rejects.toThrow('Access has expired');
  return ran;
}

test.each([
  [9_999, true],
  [10_000, false],
])(
  'access that ends after ten seconds is worth that much when the store answers after %i ms',
  async (ms, may) => {
    expect(await askAfter(ms)).toBe(may);
  },
);
