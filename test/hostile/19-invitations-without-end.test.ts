// Attack class 19: a colleague invites somebody to live sessions until nobody else can.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import { SessionShareService } from '../../protocol/messages/gen/session-share_pb.js';
import { parseEnrolmentToken } from '../../protocol/session/enrolment-token.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import { callsOf } from '../fixtures/engine-calls.ts';
import type { TestEngine } from '../fixtures/engine.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { organisationPassword, startOrganisation } from '../fixtures/organisation.ts';
import { codeOf } from '../fixtures/outcome.ts';

let open: OpenServer;
let engines: TestEngine[] = [];
beforeAll(async () => {
  open = await startOpenServer();
  engines = (await startOrganisation(open.server.url, 3)).map(({ engine }) => engine);
});
afterAll(async () => {
  for (const engine of engines) await engine.close();
  await open?.close();
});

/** Offers of a person to one other, as any program of theirs could make them. */
async function offersOf(engine: TestEngine, gatewayUid: Uid) {
  const calls = await callsOf(engine, { url: open.server.url, password: organisationPassword });
  return async (guestUid: Uid) => {
    const ends = { guestUid: uidBytes(guestUid), gatewayUid: uidBytes(gatewayUid) };
    return await codeOf(
      calls.call(SessionShareService.method.offerSessionShare, {
        ...{ ...ends, sessionUid: uidBytes(newUid()), shareUid: uidBytes(newUid()) },
        ...{ untilMs: BigInt(Date.now() + 60_000), sealed: new Uint8Array(100) },
      }),
    );
  };
}

test('nobody alone keeps others from inviting somebody', async () => {
  const [mallory, ada, ben] = engines;
  if (!mallory || !ada || !ben) throw new Error('three people');
  const { gatewayUid } = parseEnrolmentToken((await mallory.createGateway({ name: 'Office' })).token);
  const [adaUid, benUid] = [(await ada.readOrganisation()).ownUid, (await ben.readOrganisation()).ownUid];
  const offer = await offersOf(mallory, gatewayUid);
  for (let n = 0; n < limits.sessionShares.fromOneToOne; n++) expect(await offer(adaUid)).toBe('done');
  expect(await offer(adaUid)).toBe('limit-reached');
  expect(await offer(benUid)).toBe('done');
  expect(await (await offersOf(ben, gatewayUid))(adaUid)).toBe('done');
  expect(limits.sessionShares.toOne / limits.sessionShares.fromOneToOne).toBeGreaterThanOrEqual(8);
});
