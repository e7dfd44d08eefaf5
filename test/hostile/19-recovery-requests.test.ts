// Attack class 19: using up somebody's recovery requests, so that they cannot ask for their account themselves.
import { expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { limits } from '../../protocol/limits.ts';
import { RecoveryService } from '../../protocol/messages/gen/recovery_pb.js';
import { signDeviceProof } from '../../protocol/signed/device-proof.ts';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { ApiClient } from '../fixtures/api-client.ts';
import { startTestServer } from '../fixtures/server.ts';

const { requestRecovery } = RecoveryService.method;
const email = 'owner@example.test';

test('strangers in other networks do not keep an owner from asking, and each network asks five times', async () => {
  let server = await startTestServer({ trustedProxies: ['127.0.0.1'] });
  try {
    const client = await ApiClient.connect(server.url);
    const ask = async (from: string): Promise<string> => {
      const requestUid = uidBytes(newUid());
      const device = client.deviceMessage();
      const proof = {
        method: 'RecoveryService/RequestRecovery',
        ...{ loginUid: requestUid, deviceUid: device.deviceUid },
      };
      const temporaryKey = generateEcdhKeyPair().publicKey;
      const deviceProof = await signDeviceProof(client.device, proof);
      const sealed = await client.seal(requestRecovery, {
        requestUid,
        email,
        temporaryKey,
        device,
        deviceProof,
      });
      const headers = { 'content-type': 'application/octet-stream', 'x-forwarded-for': from };
      const response = await fetch(server.url + sealed.path, { method: 'POST', headers, body: sealed.body });
      return await client.open(requestRecovery, sealed, response).then(
        () => 'done',
        ({ code }: { code: string }) => code,
      );
    };
    const { requestsPerNetwork, requestsPerAccount } = limits.recovery;
    for (let network = 0; network * requestsPerNetwork < requestsPerAccount + 5; network++)
      for (let i = 0; i <= requestsPerNetwork; i++)
        expect(await ask(`192.0.${network}.9`)).toBe(i < requestsPerNetwork ? 'done' : 'too-many-requests');
    for (let i = 0; i < requestsPerNetwork; i++) expect(await ask('198.51.100.7')).toBe('done');
    server = await server.restart(); // what was counted in memory is gone, what waits is not
    expect(await ask('198.51.100.7')).toBe('too-many-requests');
  } finally {
    await server.close();
  }
});
