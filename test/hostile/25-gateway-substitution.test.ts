// Attack class 25: the router puts a gateway of its own where the vault's is, or moves gateways about.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { empty, parseBase64url, type Bytes } from '../../protocol/bytes.ts';
import { importAesKey, openBlob } from '../../protocol/crypto/aes-gcm.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import {
  ApplicationService,
  GatewaySchema,
  type Gateway,
} from '../../protocol/messages/gen/application_pb.js';
import { parseEnrolmentToken } from '../../protocol/session/enrolment-token.ts';
import { proveGatewayIdentity } from '../../protocol/session/gateway-identity.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { create } from '@bufbuild/protobuf';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';
const display = { width: 800, height: 600, dpi: 96, timezone: 'UTC' };

describe('gateway substitution', () => {
  let server: HostileServer;
  let engine: TestEngine;

  beforeEach(async () => {
    server = await HostileServer.start();
    engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'victim@example.test', password });
  });
  afterEach(() => engine.close());

  /** A gateway as the vault made it, and the application key, which the one-time token alone opens. */
  async function make(name: string): Promise<{ uid: Uid; appKey: Bytes; listed: Gateway }> {
    const { gatewayUid, token: text } = await engine.createGateway({ name });
    const { token } = parseEnrolmentToken(text);
    const wrapped = server.appKeys.get(gatewayUid) ?? empty;
    const appKey = await openBlob(await importAesKey(token), wrapped, empty);
    const listed = server.gateways.find((gateway) => uidOf(gateway.gatewayUid) === gatewayUid) as Gateway;
    return { uid: gatewayUid, appKey, listed };
  }

  function enrol(listed: Gateway, devicePublicKey: Bytes, identityProof: Bytes): void {
    Object.assign(listed, {
      enrolled: true,
      online: true,
      devicePublicKey,
      identityProof,
      tokenExpiresAtMs: 0n,
    });
  }

  function enrolHonestly({ uid, appKey, listed }: { uid: Uid; appKey: Bytes; listed: Gateway }): Bytes {
    const { publicKey } = generateEcdhKeyPair();
    enrol(listed, publicKey, proveGatewayIdentity(appKey, uid, publicKey));
    return publicKey;
  }

  const statuses = async () => (await engine.listGateways()).map(({ name, status }) => [name, status]);

  test('the server holds neither token nor application key', async () => {
    const { listed, appKey, uid } = await make('A');
    const everything = JSON.stringify([listed, [...server.appKeys], server.stored], (_, value: unknown) =>
      typeof value === 'bigint'
        ? String(value)
        : value instanceof Uint8Array
          ? Buffer.from(value).toString('hex')
          : value,
    );
    expect(everything).not.toContain(Buffer.from(appKey).toString('hex'));
    const guess = await openBlob(
      await importAesKey(randomBytes(32)),
      server.appKeys.get(uid) ?? empty,
      empty,
    ).catch((error: Error) => error.name);
    expect(guess).toBe('open-failed');
  });

  test('a key without a proof, or with a proof made without the application key, is never pinned', async () => {
    const gateway = await make('A');
    const { publicKey } = generateEcdhKeyPair();
    enrol(gateway.listed, publicKey, new Uint8Array(0));
    expect(await statuses()).not.toContainEqual(['A', 'online']);
    enrol(gateway.listed, publicKey, proveGatewayIdentity(randomBytes(32), gateway.uid, publicKey));
    expect(await statuses()).toEqual([['A', 'untrusted']]);
    enrol(gateway.listed, publicKey, new Uint8Array(32));
    expect(await statuses()).toEqual([['A', 'untrusted']]);
    enrolHonestly(gateway);
    expect(await statuses()).toEqual([['A', 'online']]);
  });

  test('key and proof of one gateway do not serve for another', async () => {
    const [a, b] = [await make('A'), await make('B')];
    enrolHonestly(a);
    enrol(b.listed, a.listed.devicePublicKey as Bytes, a.listed.identityProof as Bytes);
    expect(await statuses()).toEqual([
      ['A', 'online'],
      ['B', 'untrusted'],
    ]);
  });

  test('a pinned key stays: another one is untrusted, even with a right proof', async () => {
    const gateway = await make('A');
    enrolHonestly(gateway);
    expect(await statuses()).toEqual([['A', 'online']]);
    enrolHonestly(gateway); // a second device of the same application, or a thief of its key
    expect(await statuses()).toEqual([['A', 'untrusted']]);
    await engine.lock();
    await engine.unlock({ password });
    expect(await statuses()).toEqual([['A', 'untrusted']]);
  });

  test('a gateway that the vault did not make is not there, whatever the server lists', async () => {
    const gateway = await make('A');
    const { publicKey: devicePublicKey } = generateEcdhKeyPair();
    const planted = { gatewayUid: uidBytes(newUid()), devicePublicKey, enrolled: true, online: true };
    server.gateways.push(create(GatewaySchema, planted));
    expect((await engine.listGateways()).map(({ uid }) => uid)).toEqual([gateway.uid]);
    server.lie(ApplicationService.method.listGateways, (answer) => void answer.gateways.splice(0));
    expect(await statuses()).toEqual([['A', 'expired']]);
  });

  test('no connect command leaves for a gateway that did not prove itself', async () => {
    const gateway = await make('A');
    const { publicKey } = generateEcdhKeyPair();
    enrol(gateway.listed, publicKey, new Uint8Array(32));
    const [view] = await engine.listGateways();
    const launchCredentialUid = await engine.saveRecord({
      content: { type: 'pamUser', title: 'root', fields: [] },
    });
    const fields = [
      { type: 'pamHostname', value: [{ hostName: 'host', port: '22' }] },
      {
        type: 'pamSettings',
        value: [{ configurationUid: view?.configurationUid, connection: { launchCredentialUid } }],
      },
    ];
    const recordUid = await engine.saveRecord({ content: { type: 'pamMachine', title: 'M', fields } });
    const started = engine.startSession({ recordUid, peerUid: newUid(), offer: 'offer', display });
    await expect(started).rejects.toMatchObject({ name: 'untrusted' });
  });

  test('the configuration of a gateway moved under another machine does not open', async () => {
    const { uid } = await make('A');
    await make('B');
    const [, configurationA, , configurationB] = server.stored;
    expect(configurationA && configurationB).toBeTruthy();
    const { sealedKey, sealedData } = configurationB ?? { sealedKey: empty, sealedData: empty };
    Object.assign(configurationA ?? {}, { sealedKey, sealedData });
    const device = await startEngine(server.origin, { transport: server.transport });
    await device.signIn({ email: 'victim@example.test', password });
    expect((await device.listGateways()).map((gateway) => gateway.uid)).not.toContain(uid);
    await device.close();
  });

  test('the pinned key is inside the sealed configuration and nowhere else', async () => {
    const gateway = await make('A');
    const key = enrolHonestly(gateway);
    await engine.listGateways();
    const [view] = await engine.listGateways();
    const { content } = await engine.readRecord(view?.configurationUid as Uid);
    const pins = content.fields[0]?.value[0] as { gatewayKey: string };
    expect(parseBase64url(pins.gatewayKey)).toEqual(key);
  });
});
