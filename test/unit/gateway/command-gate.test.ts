import { create } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, test } from 'vitest';
import { CommandGate } from '../../../gateway/router/command-gate.ts';
import { ReplayWindow } from '../../../gateway/router/replay-window.ts';
import { RosterKeeper } from '../../../gateway/router/roster-keeper.ts';
import { RisingState } from '../../../gateway/rising-state.ts';
import { limits } from '../../../protocol/limits.ts';
import { CommandKind, SignedCommandSchema } from '../../../protocol/messages/gen/command_pb.js';
import { newUid } from '../../../protocol/uid.ts';
import { commandOf, newPerson, Organisation } from '../../fakes/organisation.ts';

const gatewayUid = newUid();
const start = 1_800_000_000_000;

let organisation: Organisation;
let person: ReturnType<typeof newPerson>;
let keeper: RosterKeeper;
let now: number;
let gate: CommandGate;
let requests: number;
let state: RisingState;

const newGate = () => new CommandGate({ gatewayUid, roster: keeper, state, now: () => now });

const newKeeper = async (request = () => {}) =>
  new RosterKeeper({
    organisationUid: organisation.uid,
    organisationKey: organisation.signer.publicKey,
    state: await RisingState.open(null),
    request,
    waitMs: 50,
  });

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'admitted',
    (error: Error) => error.name,
  );

const order = (from = person, to = gatewayUid, more = {}, at = now) =>
  commandOf(from, to, more, { nowMs: at });

beforeEach(async () => {
  organisation = new Organisation();
  person = newPerson();
  requests = 0;
  keeper = await newKeeper(() => requests++);
  await keeper.accept(await organisation.roster(1n, [person]));
  now = start;
  state = await RisingState.open(null);
  gate = newGate();
});

describe('what the gate lets in', () => {
  test('a fresh command of a member for this gateway', async () => {
    const { command, member } = await gate.admit(await order());
    expect(command.kind).toBe(CommandKind.GATEWAY_INFO);
    expect(member.accountUid).toBe(person.accountUid);
  });

  test('a command of a clock that is off by less than the skew', async () => {
    expect(await code(gate.admit(await order(person, gatewayUid, {}, now + limits.clockSkewMs - 1)))).toBe(
      'admitted',
    );
  });

  test('a command that names a newer roster, once the router brings that', async () => {
    const bringing = await newKeeper(() => {
      void organisation.roster(7n, [person]).then((roster) => bringing.accept(roster));
    });
    const asking = new CommandGate({ gatewayUid, roster: bringing, state, now: () => now });
    expect(await code(asking.admit(await order(person, gatewayUid, { rosterVersion: 7n })))).toBe('admitted');
  });
});

describe('what the gate refuses', () => {
  test('a command for another gateway', async () => {
    expect(await code(gate.admit(await order(person, newUid())))).toBe('wrong-audience');
  });

  test('a command of an account that is not in the roster', async () => {
    expect(await code(gate.admit(await order(newPerson())))).toBe('not-in-roster');
  });

  test('a command in a member’s name under another key', async () => {
    const forger = { ...newPerson(), accountUid: person.accountUid };
    expect(await code(gate.admit(await order(forger)))).toBe('bad-signature');
  });

  test('a signature that was changed by one bit', async () => {
    const signed = await order();
    signed.signature[10] = (signed.signature[10] ?? 0) ^ 1;
    expect(await code(gate.admit(signed))).toBe('bad-signature');
  });

  test('a command whose bytes were changed', async () => {
    const signed = await order();
    const other = await order(person, gatewayUid, { kind: CommandKind.LIST_TASKS });
    const mixed = create(SignedCommandSchema, { ...other, signature: signed.signature });
    expect(await code(gate.admit(mixed))).toBe('bad-signature');
  });

  test('another payload under the same command', async () => {
    const signed = await order();
    const swapped = create(SignedCommandSchema, { ...signed, sealedPayload: new Uint8Array([1, 2, 3]) });
    expect(await code(gate.admit(swapped))).toBe('bad-signature');
  });

  test('an expired command', async () => {
    const signed = await order();
    now += limits.commandLifetimeMs + limits.clockSkewMs + 1;
    expect(await code(gate.admit(signed))).toBe('expired');
  });

  test('a command from the future', async () => {
    const signed = await order(person, gatewayUid, {}, now + limits.clockSkewMs + 1_000);
    expect(await code(gate.admit(signed))).toBe('expired');
  });

  test('a command signed before this run began: its replay window has not seen it', async () => {
    expect(await code(gate.admit(await order(person, gatewayUid, {}, start - 1)))).toBe('expired');
  });

  test('after a restart, a command of an earlier run whose device was ahead of the gateway', async () => {
    const ahead = await order(person, gatewayUid, {}, now + 60_000);
    expect(await code(gate.admit(ahead))).toBe('admitted');
    now += 1_000;
    const next = newGate();
    expect(await code(next.admit(ahead))).toBe('expired');
    now += 60_000;
    expect(await code(next.admit(ahead))).toBe('expired');
    expect(await code(next.admit(await order()))).toBe('admitted');
  });

  test('a command from ahead whose date cannot be kept', async () => {
    state.raise = () => Promise.reject(new Error('disk full'));
    const ahead = await order(person, gatewayUid, {}, now + 60_000);
    await expect(gate.admit(ahead)).rejects.toThrow('disk full');
    expect(await code(gate.admit(await order()))).toBe('admitted');
  });

  test('after a restart, no new command of a device that is ahead, and none of another account', async () => {
    const other = newPerson();
    await keeper.accept(await organisation.roster(2n, [person, other]));
    await gate.admit(await order(person, gatewayUid, {}, now + 60_000));
    now += 1_000;
    const next = newGate();
    expect(await code(next.admit(await order(person, gatewayUid, {}, now + 60_000)))).toBe('admitted');
    expect(await code(next.admit(await order(other)))).toBe('admitted');
  });

  test('the same command twice, at any time', async () => {
    const signed = await order();
    expect(await code(gate.admit(signed))).toBe('admitted');
    expect(await code(gate.admit(signed))).toBe('replayed');
    now += limits.commandLifetimeMs + limits.clockSkewMs;
    expect(await code(gate.admit(signed))).toBe('replayed');
  });

  test('a second command with the session uid of an earlier one', async () => {
    const session = { kind: CommandKind.CONNECT, sessionUid: newUid(), sessionNonce: new Uint8Array(16) };
    expect(await code(gate.admit(await order(person, gatewayUid, session)))).toBe('admitted');
    expect(await code(gate.admit(await order(person, gatewayUid, session)))).toBe('replayed');
  });

  test('two concurrent copies: one gets in', async () => {
    const signed = await order();
    const codes = await Promise.all([code(gate.admit(signed)), code(gate.admit(signed))]);
    expect(codes.sort()).toEqual(['admitted', 'replayed']);
  });

  test('a command that names a roster nobody has', async () => {
    expect(await code(gate.admit(await order(person, gatewayUid, { rosterVersion: 9n })))).toBe(
      'roster-outdated',
    );
    expect(requests).toBe(1);
  });

  test('unsigned commands that wait for a roster to come, beyond a few; a member’s own still waits', async () => {
    const patient = await newKeeper();
    await patient.accept(await organisation.roster(1n, [person]));
    const waiting = new CommandGate({ gatewayUid, roster: patient, state, now: () => now });
    const forged = await Promise.all(
      Array.from({ length: 17 }, () =>
        order({ ...newPerson(), accountUid: person.accountUid }, gatewayUid, { rosterVersion: 9n }),
      ),
    );
    const unproven = forged.map((one) => waiting.admit(one).catch((error: Error) => error.message));
    const own = waiting.admit(await order(person, gatewayUid, { rosterVersion: 2n }));
    await expect(unproven[16]).resolves.toContain('too many wait');
    await patient.accept(await organisation.roster(2n, [person]));
    expect(await code(own)).toBe('admitted');
    expect(
      (await Promise.all(unproven)).filter((message) => String(message).includes('too many')),
    ).toHaveLength(1);
  });

  test('bytes that are no command', async () => {
    const signed = create(SignedCommandSchema, { command: new Uint8Array([0xff, 0xff]) });
    expect(await code(gate.admit(signed))).toBe('malformed');
  });

  test('a refused command does not use up its place in the replay window', async () => {
    const signed = await order();
    const bad = create(SignedCommandSchema, { ...signed, signature: new Uint8Array(64) });
    expect(await code(gate.admit(bad))).toBe('bad-signature');
    expect(await code(gate.admit(signed))).toBe('admitted');
  });
});

describe('the replay window', () => {
  test('is bounded and never forgets what could still come again', () => {
    const window = new ReplayWindow(2);
    window.admit([newUid()], 100, 0);
    window.admit([newUid()], 200, 0);
    expect(() => window.admit([newUid()], 300, 50)).toThrow('too many commands');
    expect(window.size).toBe(2);
    window.admit([newUid()], 300, 150);
    expect(window.size).toBe(2);
  });
});

describe('the roster', () => {
  test('never goes back to an older version', async () => {
    await keeper.accept(await organisation.roster(5n, [person]));
    await expect(keeper.accept(await organisation.roster(4n, [person]))).rejects.toThrow('older');
    expect(keeper.version).toBe(5n);
  });

  test('of another signer is refused and the one in use stays', async () => {
    const other = new Organisation();
    const forged = await organisation.roster(9n, [newPerson()], other.signer);
    await expect(keeper.accept(forged)).rejects.toThrow('bad-signature');
    expect(await code(gate.admit(await order()))).toBe('admitted');
  });

  test('of another organisation is refused', async () => {
    const other = new Organisation();
    await expect(keeper.accept(await other.roster(9n, [person], organisation.signer))).rejects.toThrow(
      'another organisation',
    );
  });

  test('that drops a member locks that member out', async () => {
    await keeper.accept(await organisation.roster(2n, [newPerson()]));
    expect(await code(gate.admit(await order()))).toBe('not-in-roster');
  });
});
