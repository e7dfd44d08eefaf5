// What the router notes of guests when a gateway's words come in an odd order, or none come any more.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { CommandKind } from '../../../protocol/messages/gen/command_pb.js';
import { SessionLogKind, SessionLogService } from '../../../protocol/messages/gen/session-log_pb.js';
import { SessionEventKind } from '../../../protocol/messages/gen/session-share_pb.js';
import { signCommand } from '../../../protocol/signed/command.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import { enrolGateway, putRecord } from '../../fixtures/application.ts';
import { joinVault, openGatewayLink, type GatewayClient } from '../../fixtures/link-client.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';

describe('of guests the router', () => {
  let open: OpenServer;
  let count = 0;
  beforeAll(async () => void (open = await startOpenServer()));
  afterAll(() => open?.close());

  const newVault = async () => {
    const vault = await ApiClient.connect(open.server.url);
    await vault.register(`person${count++}@example.test`, 'correct horse battery');
    return { vault, link: await joinVault(vault) };
  };

  /** A vault and its gateway, both linked, and another vault. */
  const installation = async () => {
    const [{ vault, link }, other] = [await newVault(), await newVault()];
    const identity = await enrolGateway(vault);
    const gateway = await openGatewayLink(open.server.url, identity);
    await gateway.next('welcome');
    return { vault, link, other, identity, gateway, recordUid: await putRecord(vault, 'machine') };
  };

  interface Ends {
    readonly host: ApiClient;
    readonly guest: ApiClient;
    readonly gatewayUid: Uid;
  }
  const offer = async ({ host, guest, gatewayUid }: Ends, sessionUid = newUid()) => {
    const shareUid = newUid();
    const now = Date.now();
    const row = {
      ...{
        share_uid: uidBytes(shareUid),
        session_uid: uidBytes(sessionUid),
        gateway_uid: uidBytes(gatewayUid),
      },
      ...{
        host_uid: uidBytes(host.accountUid),
        guest_uid: uidBytes(guest.accountUid),
        sealed: utf8('sealed'),
      },
      ...{ offered_at: now, until_at: now + 60_000, by_policy: false, silent: false },
    };
    await open.db.insertInto('session_share').values(row).execute();
    return shareUid;
  };

  const ordered = async (
    { vault, link, identity }: Pick<Awaited<ReturnType<typeof installation>>, 'vault' | 'link' | 'identity'>,
    what: { kind: CommandKind; recordUid: Uid | null; shareUid?: Uid },
  ) => {
    const sessionUid = newUid();
    const about = { gatewayUid: identity.gatewayUid, accountUid: vault.accountUid, rosterVersion: 1n };
    const order = { ...about, ...what, sessionUid, sessionNonce: randomBytes(16) };
    const command = await signCommand(vault.account.signer, order, utf8('sealed'), Date.now());
    await link.send({ body: { case: 'command', value: { requestId: 1, command } } });
    return sessionUid;
  };

  const accept = async (gateway: GatewayClient, relayId: bigint) => {
    const reply = { outcome: { case: 'sealed' as const, value: utf8('answer') } };
    await gateway.send({ body: { case: 'reply', value: { relayId, reply } } });
  };

  test('notes one who left before their joining was noted: they came, and are gone', async () => {
    const { vault, link, other, identity, gateway } = await installation();
    const ends = { host: other.vault, guest: vault, gatewayUid: identity.gatewayUid };
    const shareUid = await offer(ends);
    const join = { kind: CommandKind.JOIN_SESSION, recordUid: null, shareUid };
    const joinUid = await ordered({ vault, link, identity }, join);
    const { relayId } = await gateway.next('command');
    await gateway.send({ body: { case: 'sessionEnded', value: { sessionUid: uidBytes(joinUid) } } });
    await accept(gateway, relayId);
    expect((await link.next('commandResult')).outcome.case).toBe('reply');
    const guest = uidBytes(vault.accountUid);
    const events = async () => {
      const events = open.db.selectFrom('session_event').select('kind').where('guest_uid', '=', guest);
      return (await events.orderBy('event_id').execute()).map(({ kind }) => kind);
    };
    await expect.poll(events, { timeout: 15_000 }).toEqual([SessionEventKind.JOINED, SessionEventKind.LEFT]);
    const inside = open.db.selectFrom('session_guest').selectAll().where('guest_uid', '=', guest);
    expect(await inside.execute()).toEqual([]);
  });

  test('ends invitations to sessions without which a gateway comes back, tells who was invited, and says how they ended', async () => {
    const { vault, link, other, identity, gateway, recordUid } = await installation();
    const sessionUid = await ordered({ vault, link, identity }, { kind: CommandKind.CONNECT, recordUid });
    await accept(gateway, (await gateway.next('command')).relayId);
    expect((await link.next('commandResult')).outcome.case).toBe('reply');
    const ends = { host: vault, guest: other.vault, gatewayUid: identity.gatewayUid };
    await offer(ends, sessionUid);
    const elsewhere = await offer(ends); // no session that this server knows to be over
    const again = await openGatewayLink(open.server.url, identity);
    expect(await again.next('welcome')).toMatchObject({ resumed: false });
    await other.link.next('sessionShareNews');
    const shares = await open.db
      .selectFrom('session_share')
      .select('share_uid')
      .where('host_uid', '=', uidBytes(vault.accountUid))
      .execute();
    expect(shares.map(({ share_uid }) => Buffer.from(share_uid))).toEqual([Buffer.from(uidBytes(elsewhere))]);
    const ended = async () => {
      const { entries } = await vault.call(SessionLogService.method.listSessionLog, {});
      return entries.map(({ kind, code }) => [kind.value, code]);
    };
    await expect.poll(ended, { timeout: 15_000 }).toEqual([
      [SessionLogKind.ENDED, 'gateway-lost'],
      [SessionLogKind.OPENED, ''],
    ]);
  });
});
