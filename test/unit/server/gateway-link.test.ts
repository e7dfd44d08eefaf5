import { expect, test, vi } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { GatewayFrameSchema, RouterToGatewayFrameSchema } from '../../../protocol/messages/gen/link_pb.js';
import { signLinkProof } from '../../../protocol/signed/link-proof.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { Scrubber } from '../../../protocol/log/scrubber.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { InProcessHead } from '../../../server/router/head/in-process.ts';
import { GatewayLink } from '../../../server/router/worker/gateway-link.ts';
import { GatewayPresence, presenceTimes } from '../../../server/router/worker/gateway-presence.ts';
import type { SealedLink } from '../../../server/router/worker/sealed-link.ts';
import { scriptedStore } from '../../fixtures/scripted-store.ts';

const noServers = () => ({ urls: [], username: '', credential: '' });

test('a gateway that is removed while it proves itself is put out', async () => {
  const device = signerOf(generateEcdhKeyPair().privateKey);
  const [gatewayUid, clientId, binding] = [newUid(), randomBytes(64), randomBytes(32)];
  const row = {
    ...{ gateway_uid: uidBytes(gatewayUid), application_uid: uidBytes(newUid()) },
    public_key: device.publicKey,
    owner_uid: uidBytes(newUid()),
    lock_ip: false,
    bound_address: null,
    access_expires_at: 0,
    roster: new Uint8Array(0),
  };
  let removed = false;
  const { db } = scriptedStore((sql) => {
    if (sql.startsWith('update')) removed = true; // after the first look and before the link is attached
    return removed ? [] : [row];
  });
  const head = new InProcessHead();
  const forget = vi.fn();
  const presence = new GatewayPresence(gatewayUid, head, presenceTimes, {
    forget,
    ended: () => {},
    begun: () => {},
    moved: () => {},
    iceServers: noServers,
  });
  const log = createLogger('error', new Scrubber());
  const news = { tell: () => {} };
  const link = new GatewayLink({ db, head, log, news, presenceOf: () => presence }, '127.0.0.1');
  const sent: Uint8Array[] = [];
  const close = vi.fn();
  const sealed = { binding, admit: () => undefined, send: (frame: Uint8Array) => sent.push(frame), close };
  link.attach(sealed as unknown as SealedLink);
  link.opened();
  const { body } = decodeMessage(RouterToGatewayFrameSchema, sent[0] ?? new Uint8Array(0));
  if (body.case !== 'challenge') throw new Error('no challenge');
  const claim = { subject: 'gateway', identity: clientId, challenge: body.value.nonce, binding } as const;
  const value = {
    clientId,
    gatewayUid: uidBytes(gatewayUid),
    version: '0.1.0',
    signature: await signLinkProof(device, claim),
  };
  const proof = link.received(encodeMessage(GatewayFrameSchema, { body: { case: 'proof', value } }));
  await expect(proof).rejects.toMatchObject({ code: 'not-allowed' });
  expect(close).toHaveBeenCalledWith('not-allowed');
  expect(forget).toHaveBeenCalled();
  expect(await presence.onRequest({ kind: 'presence' })).toMatchObject({ online: false });
});
