// Attack class 24: the router forges, replays, delays, redirects or alters commands, or shows another roster.
import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
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
import { EachInstallation } from '../fakes/each-installation.ts';
import { commandOf, newPerson, Organisation } from '../fakes/organisation.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };

const each = new EachInstallation(target);

const info = (more = {}, at?: number) =>
  commandOf(each.made.person, each.made.gatewayUid, { ...more }, at === undefined ? {} : { nowMs: at });

async function connectCommand(): Promise<SignedCommand> {
  const page = each.newPage();
  return (await each.made.prepare(page)).command;
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
    expect(await each.fate(await commandOf(router, each.made.gatewayUid))).toBe('not-in-roster');
    const inName = { ...router, accountUid: each.made.person.accountUid };
    expect(await each.fate(await commandOf(inName, each.made.gatewayUid))).toBe('bad-signature');
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
    for (const change of changes) expect(await each.fate(altered(signed, change))).toBe('bad-signature');
    expect(each.made.gateway?.sessions.size).toBe(0);
  });

  test('cannot give a command another payload', async () => {
    const [one, two] = [await connectCommand(), await connectCommand()];
    expect(await each.fate(create(SignedCommandSchema, { ...one, sealedPayload: two.sealedPayload }))).toBe(
      'bad-signature',
    );
  });

  test('cannot bring a command to another gateway', async () => {
    expect(await each.fate(await commandOf(each.made.person, newUid()))).toBe('wrong-audience');
    const elsewhere = await commandOf(each.made.person, newUid());
    expect(await each.fate(altered(elsewhere, { gatewayUid: uidBytes(each.made.gatewayUid) }))).toBe(
      'bad-signature',
    );
  });
});

describe('a router that replays', () => {
  test('has each command obeyed once: at once, in parallel, and after the link broke', async () => {
    const command = await info();
    expect(await each.fate(command)).toBe('done');
    expect(await each.fate(command)).toBe('replayed');
    const other = await info();
    expect((await Promise.all([each.fate(other), each.fate(other), each.fate(other)])).sort()).toEqual([
      'done',
      'replayed',
      'replayed',
    ]);
    each.made.router.canResume = false;
    each.made.router.breakLink();
    await each.made.router.linked;
    expect(await each.fate(command)).toBe('replayed');
  });

  test('cannot open a second session by a connect command', async () => {
    const command = await connectCommand();
    expect(await each.fate(command)).toBe('done');
    expect(await each.fate(command)).toBe('replayed');
  });

  test('cannot hold a command back until it suits', async () => {
    const old = Date.now() - limits.commandLifetimeMs - limits.clockSkewMs - 1_000;
    expect(await each.fate(await info({}, old))).toBe('expired');
  });

  test('cannot play a command of an earlier run to a gateway that was started again', async () => {
    const command = await info();
    await each.made.gateway?.close();
    await each.made.start();
    expect(await each.fate(command)).toBe('expired');
  });
});

describe('a router that shows another roster', () => {
  test('signed by a key of its own is not believed', async () => {
    const router = newPerson(true);
    const forger = new Organisation();
    const forged = await each.made.organisation.roster(9n, [each.made.person, router], forger.signer);
    each.made.router.roster = forged;
    each.made.router.send({ case: 'roster', value: forged });
    expect(await each.fate(await commandOf(router, each.made.gatewayUid))).toBe('not-in-roster');
    expect(await each.fate(await commandOf(router, each.made.gatewayUid, { rosterVersion: 9n }))).toBe(
      'roster-outdated',
    );
    expect(await each.fate(await info())).toBe('done');
  });

  test('of another organisation that the same key signed is not believed', async () => {
    const router = newPerson(true);
    const other = Object.assign(new Organisation(), { uid: newUid() });
    each.made.router.send({
      case: 'roster',
      value: await other.roster(9n, [router], each.made.organisation.signer),
    });
    expect(await each.fate(await commandOf(router, each.made.gatewayUid))).toBe('not-in-roster');
  });

  test('that is older cannot bring a removed member back, not even after a restart', async () => {
    const removed = newPerson(true);
    const older = await each.made.organisation.roster(2n, [each.made.person, removed]);
    each.made.router.send({ case: 'roster', value: older });
    expect(await each.fate(await commandOf(removed, each.made.gatewayUid, { rosterVersion: 2n }))).toBe(
      'done',
    );
    const newer = await each.made.organisation.roster(3n, [each.made.person]);
    each.made.router.send({ case: 'roster', value: newer });
    expect(await each.fate(await info({ rosterVersion: 3n }))).toBe('done');
    each.made.router.send({ case: 'roster', value: older });
    expect(await each.fate(await commandOf(removed, each.made.gatewayUid))).toBe('not-in-roster');

    const versions = `${each.made.folder}/kept.versions.json`;
    await (await RisingState.open(versions)).raise({ roster: 3n });
    await each.made.gateway?.close();
    each.made.router.roster = older;
    if (each.made.config === null) throw new Error('not enrolled');
    each.made.gateway = startGateway({
      config: each.made.config,
      state: await RisingState.open(versions),
      settings: readSettings({ SALLYPORT_GATEWAY_BIND: '127.0.0.1' }),
      log: new Logger('debug', (line) => each.made.logLines.push(line)),
    });
    await each.made.gateway.online;
    expect(await each.fate(await commandOf(removed, each.made.gatewayUid))).toBe('roster-outdated');
  });

  test('than the sealed configuration demands is not enough', async () => {
    await each.made.putConfiguration({ rosterVersion: 5 });
    expect(await each.fate(await connectCommand())).toBe('roster-outdated');
  });
});
