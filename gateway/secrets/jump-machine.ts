import { wipe } from '../../protocol/bytes.ts';
import type { ConnectRequest } from '../../protocol/messages/gen/command_pb.js';
import type { Uid } from '../../protocol/uid.ts';
import { Refusal } from '../router/refusal.ts';
import { requireRevision, type Credential, type Machine, type MachineReader } from './machine.ts';

/** The machine through which another is reached, with its own login. */
export interface JumpMachine {
  readonly recordUid: Uid;
  readonly machine: Pick<Machine, 'host' | 'port' | 'connection'>;
  readonly credential: Credential;
}

/**
 * The jump machine that a sealed machine names, null when it names none: of the same owner and gateway, over SSH, with a
 * launch credential, and not itself behind another. Of the person who connects it asks nothing: they get one connection
 * that the owner has named, and neither shell, files nor login of the machine in between. protocol.md §12.11. Throws a
 * {@link Refusal}: `jump-unusable`, or as {@link MachineReader} does.
 */
export async function readJump(
  machines: MachineReader,
  target: { readonly recordUid: Uid; readonly machine: Pick<Machine, 'connection'> },
  { jump: stated }: Pick<ConnectRequest, 'jump'>,
  signal: AbortSignal,
): Promise<JumpMachine | null> {
  const { jumpMachineUid: recordUid } = target.machine.connection;
  if (recordUid === undefined) return null;
  const revision = stated?.recordRevision ?? 0n;
  const machine = await readJumpMachine(machines, target.recordUid, recordUid, revision, signal);
  const { launchCredentialUid: linked } = machine;
  if (linked === null) throw unusable('has no launch credential');
  const credential = await machines.readCredential(linked, stated?.credentialRevision ?? 0n, signal);
  if (credential.username === '') throw unusable('has a launch credential without a login');
  return { recordUid, machine, credential };
}

/** Without its credential: for who only wants to know where it is. */
export async function readJumpMachine(
  machines: MachineReader,
  targetUid: Uid,
  recordUid: Uid,
  revision: bigint,
  signal: AbortSignal,
): Promise<Machine> {
  if (recordUid === targetUid) throw unusable('is the machine itself');
  const { machine, revision: given } = await machines.readMachine(recordUid, signal);
  wipe(machine.trafficSeed, machine.copyKey);
  requireRevision(given, revision);
  if (machine.settings.protocol !== 'ssh') throw unusable('is not reached over SSH');
  if (machine.connection.jumpMachineUid !== undefined) throw unusable('is itself behind a jump machine');
  return machine;
}

function unusable(why: string): Refusal {
  return new Refusal('jump-unusable', `the jump machine ${why}`);
}
