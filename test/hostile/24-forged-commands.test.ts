// Attack class 24: the router forges, replays, delays, redirects or alters commands, or shows another roster.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { limits } from '../../protocol/limits.ts';
import {
  CommandKind,
  CommandSchema,
  SignedCommandSchema,
  type SignedCommand,
} from '../../protocol/messages/gen/command_pb.js';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { startGateway } from '../../gateway/gateway.ts';
import { Logger } from '../../gateway/log/logger.ts';
import { RisingState } from '../../gateway/rising-state.ts';
import { readSettings } from '../../gateway/settings.ts';
import { Installation } from '../fakes/installation.ts';
import { commandOf, newPerson, Organisation } from '../fakes/organisation.ts';
import { FakePage } from '../fakes/page.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };

let made: Installation;
const pages: FakePage[] = [];

beforeEach(async () => {
  made = await Installation.make(target);
  await made.start();
});
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made.stop();
});

const info = (more = {}, at?: number) =>
  commandOf(made.person, made.gatewayUid, { ...more }, at === undefined ? {} : { nowMs: at });

/** What becomes of a command: the refusal's code, or `done`. */
async function fate(command: SignedCommand): Promise<string> {
  const { outcome } = await made.router.relay(command);
  return outcome.case === 'refused' ? outcome.value.code : 'done';
}

async function connectCommand(): Promise<SignedCommand> {
  const page = new FakePage();
  pages.push(page);
  return (await made.prepare(page)).command;
}

/** The same command with members changed and the old signature. */
function altered(signed: SignedCommand, changes: object): SignedCommand {
  const command = encodeMessage(CommandSchema, {
    ...decodeMessage(CommandSchema, signed.command),
    ...changes,
  });
  return create(SignedCommandSchema, { ...signed, command });
}

describe('a router that orders for itself', () => {
  test('is not obeyed under its own key, whatever account it names', async () => {
    const router = newPerson(true);
    expect(await fate(await commandOf(router, made.gatewayUid))).toBe('not-in-roster');
    const inName = { ...router, accountUid: made.person.accountUid };
    expect(await fate(await commandOf(inName, made.gatewayUid))).toBe('bad-signature');
  });

  test('cannot change a word of a command', async () => {
    const signed = await connectCommand();
    const changes = [
      { kind: CommandKind.LIST_TASKS },
      { recordUid: randomBytes(16) },
      { sessionUid: randomBytes(16) },
      { sessionNonce: randomBytes(16) },
      { expiresAtMs: BigInt(Date.now() + 3_600_000) },
      { rosterVersion: 0n },
      { commandUid: randomBytes(16) },
    ];
    for (const change of changes) expect(await fate(altered(signed, change))).toBe('bad-signature');
    expect(made.gateway?.sessions.size).toBe(0);
  });

  test('cannot give a command another payload', async () => {
    const [one, two] = [await connectCommand(), await connectCommand()];
    expect(await fate(create(SignedCommandSchema, { ...one, sealedPayload: two.sealedPayload }))).toBe(
      'bad-signature',
    );
  });

  test('cannot bring a command to another gateway', async () => {
    expect(await fate(await commandOf(made.person, newUid()))).toBe('wrong-audience');
    const elsewhere = await commandOf(made.person, newUid());
    expect(await fate(altered(elsewhere, { gatewayUid: uidBytes(made.gatewayUid) }))).toBe('bad-signature');
  });
});

describe('a router that replays', () => {
  test('has each command obeyed once: at once, in parallel, and after the link broke', async () => {
    const command = await info();
    expect(await fate(command)).toBe('done');
    expect(await fate(command)).toBe('replayed');
    const other = await info();
    expect((await Promise.all([fate(other), fate(other), fate(other)])).sort()).toEqual([
      'done',
      'replayed',
      'replayed',
    ]);
    made.router.canResume = false;
    made.router.breakLink();
    await made.router.linked;
    expect(await fate(command)).toBe('replayed');
  });

  test('cannot open a second session by a connect command', async () => {
    const command = await connectCommand();
    expect(await fate(command)).toBe('done');
    expect(await fate(command)).toBe('replayed');
  });

  test('cannot hold a command back until it suits', async () => {
    const old = Date.now() - limits.commandLifetimeMs - limits.clockSkewMs - 1_000;
    expect(await fate(await info({}, old))).toBe('expired');
  });

  test('cannot play a command of an earlier run to a gateway that was started again', async () => {
    const command = await info();
    await made.gateway?.close();
    await made.start();
    expect(await fate(command)).toBe('expired');
  });
});

describe('a router that shows another roster', () => {
  test('signed by a key of its own is not believed', async () => {
    const router = newPerson(true);
    const forger = new Organisation();
    const forged = await made.organisation.roster(9n, [made.person, router], forger.signer);
    made.router.roster = forged;
    made.router.send({ case: 'roster', value: forged });
    expect(await fate(await commandOf(router, made.gatewayUid))).toBe('not-in-roster');
    expect(await fate(await commandOf(router, made.gatewayUid, { rosterVersion: 9n }))).toBe(
      'roster-outdated',
    );
    expect(await fate(await info())).toBe('done');
  });

  test('of another organisation that the same key signed is not believed', async () => {
    const router = newPerson(true);
    const other = Object.assign(new Organisation(), { uid: newUid() });
    made.router.send({ case: 'roster', value: await other.roster(9n, [router], made.organisation.signer) });
    expect(await fate(await commandOf(router, made.gatewayUid))).toBe('not-in-roster');
  });

  test('that is older cannot bring a removed member back, not even after a restart', async () => {
    const removed = newPerson(true);
    const older = await made.organisation.roster(2n, [made.person, removed]);
    made.router.send({ case: 'roster', value: older });
    expect(await fate(await commandOf(removed, made.gatewayUid, { rosterVersion: 2n }))).toBe('done');
    const newer = await made.organisation.roster(3n, [made.person]);
    made.router.send({ case: 'roster', value: newer });
    expect(await fate(await info({ rosterVersion: 3n }))).toBe('done');
    made.router.send({ case: 'roster', value: older });
    expect(await fate(await commandOf(removed, made.gatewayUid))).toBe('not-in-roster');

    const versions = `${made.folder}/kept.versions.json`;
    await (await RisingState.open(versions)).raise({ roster: 3n });
    await made.gateway?.close();
    made.router.roster = older;
    if (made.config === null) throw new Error('not enrolled');
    made.gateway = startGateway({
      config: made.config,
      state: await RisingState.open(versions),
      settings: readSettings({ SALLYPORT_GATEWAY_BIND: '127.0.0.1' }),
      log: new Logger('debug', (line) => made.logLines.push(line)),
    });
    await made.gateway.online;
    expect(await fate(await commandOf(removed, made.gatewayUid))).toBe('roster-outdated');
  });

  test('than the sealed configuration demands is not enough', async () => {
    await made.putConfiguration({ rosterVersion: 5 });
    expect(await fate(await connectCommand())).toBe('roster-outdated');
  });
});
