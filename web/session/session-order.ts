// What a session is opened by: the machine's sealed record, an invitation, or the session that is watched.
import {
  defaultConnection,
  readPamSettings,
  type ConnectionSettings,
} from '../../protocol/records/pam-settings.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { SessionStarted } from '../../workers/api.ts';
import { RunFailure } from './failures/run-failure.ts';
import type { PeerLease } from './way/peer-connections.ts';
import type { Answers, RunSubject, RunTargets, SessionServices } from './run-targets.ts';
import { readLook } from './screen/screen-look.ts';
import { dpiOf, type ScreenSize } from './screen/screen-size.ts';

type Verbs = SessionServices['verbs'];

/** Which gateway a session is opened by, and how it is shown. */
export interface OrderedPlace {
  readonly gatewayUid: Uid;
  readonly connection: ConnectionSettings;
}

/** What the sealed record says, as far as this person may read it. Throws `RunFailure`, and what the vault throws. */
export async function readPlace(
  verbs: Verbs,
  { recordUid, invited }: RunSubject,
  targets: Pick<RunTargets, 'access' | 'maySupply'>,
): Promise<OrderedPlace> {
  // A guest knows of the machine what the gateway says.
  if (invited) return { gatewayUid: invited.gatewayUid, connection: defaultConnection };
  const { content, gatewayUid, access } = await verbs.readRecord(recordUid);
  targets.access(access);
  const { connection } = readPamSettings(content);
  targets.maySupply(access === 'launch' || connection.allowSupplyUser);
  if (gatewayUid === null) throw new RunFailure({ leg: 'gateway', code: 'not-connectable', message: '' });
  return { gatewayUid, connection };
}

/**
 * Without a launch credential there is nothing to try: throws `RunFailure`. Of what they may only launch a person hears by
 * the gateway.
 */
export function requireLogin(
  { allowSupplyUser, launchCredentialUid }: ConnectionSettings,
  { supplied }: Answers,
): void {
  if (allowSupplyUser && launchCredentialUid === undefined && supplied === undefined)
    throw new RunFailure({ leg: 'login', code: 'credential-needed', message: '' });
}

/** Sends the command over that peer connection. Throws what the vault and the gateway throw. */
export async function orderSession(
  verbs: Verbs,
  { recordUid, invited }: RunSubject,
  { lease, size, answers }: { lease: PeerLease; size: ScreenSize; answers: Answers },
): Promise<SessionStarted> {
  const page = { peerUid: lease.peer.uid, offer: lease.fresh ? await lease.peer.offer() : null };
  if (invited?.watched !== undefined) {
    const { gatewayUid, watched: sessionUid } = invited;
    return await verbs.watchSession({ gatewayUid, sessionUid, ...page });
  }
  if (invited) return await verbs.joinSession({ shareUid: invited.shareUid, ...page });
  return await verbs.startSession({ recordUid, ...page, display: displayOf(size, recordUid), ...answers });
}

function displayOf(size: ScreenSize, recordUid: Uid) {
  const { fontSize, colorScheme } = readLook(recordUid);
  return {
    ...{ width: size.width, height: size.height, dpi: dpiOf(size) },
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...(fontSize !== undefined && { fontSize }),
    ...(colorScheme !== undefined && { colorScheme }),
  };
}
