import { once } from 'node:events';
import net from 'node:net';
import os from 'node:os';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GatewayInfoSchema, TaskListSchema } from '../../protocol/messages/gen/command_pb.js';
import type { RosterMember } from '../../protocol/signed/roster.ts';
import { uidBytes } from '../../protocol/uid.ts';
import { leaseGuacd, type GuacdPlace } from '../guacd/lease.ts';
import type { SpoolState } from '../recording/uploads.ts';
import type { Settings } from '../settings.ts';
import { gatewayVersion } from '../version.ts';
import type { SessionShares } from '../sharing/session-shares.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

const probeMs = 1_000;
const startedAtMs = Date.now() - Math.round(process.uptime() * 1000);

/** What an administrator may know of this gateway. */
export async function describeGateway(
  { guacd }: Pick<Settings, 'guacd'>,
  sessions: number,
  rosterVersion: bigint,
  spool: SpoolState | null,
): Promise<MessageInitShape<typeof GatewayInfoSchema>> {
  return {
    version: gatewayVersion,
    hostname: os.hostname(),
    system: `${os.type()} ${os.release()} ${os.arch()}, Node ${process.versions.node}`,
    startedAtMs: BigInt(startedAtMs),
    memoryUsed: BigInt(process.memoryUsage.rss()),
    memoryTotal: BigInt(os.totalmem()),
    sessions,
    guacdAddress: 'pool' in guacd ? '' : `${guacd.host}:${guacd.port}`,
    guacdReachable: await reaches(guacd),
    rosterVersion,
    recordingsWaiting: spool?.waiting ?? 0,
    recordingsRefused: spool?.refused ?? 0,
    recordingsBytes: BigInt(spool?.bytes ?? 0),
    recordingsNoRoom: spool?.noRoom ?? false,
  };
}

/** Without those who look on unseen. Of whoever is leaving it is not known any more whether they were seen: they count no more. */
export function countShown(sessions: Pick<Sessions, 'list'>, shares: Pick<SessionShares, 'placeOf'>): number {
  const shown = sessions.list().filter((session) => {
    const place = shares.placeOf(session);
    return session.shareUid === null || (place !== null && !place.silent);
  });
  return shown.length;
}

/**
 * The sessions that this member may see: all for an administrator, else the member's own; of those who look on unseen,
 * never the ones who look on at the member's. Of others' guests none who is leaving, as of {@link countShown}.
 */
export function listTasks(
  sessions: Pick<Sessions, 'list'>,
  shares: Pick<SessionShares, 'placeOf'>,
  { accountUid, administrator }: RosterMember,
): MessageInitShape<typeof TaskListSchema> {
  const seen = sessions.list().filter((session) => {
    const place = shares.placeOf(session);
    const leaving = session.shareUid !== null && place === null;
    const hidden = leaving || (place?.silent === true && place.host.accountUid === accountUid);
    return session.accountUid === accountUid || (administrator && !hidden);
  });
  const tasks = seen.map((session) => ({
    ...placeIn(shares, session),
    taskUid: uidBytes(session.uid),
    recordUid: uidBytes(session.recordUid),
    accountUid: uidBytes(session.accountUid),
    startedAtMs: BigInt(session.startedAtMs),
    protocol: session.protocol,
    recorded: isRecorded(session),
    watchable: session.terms?.watchable === true,
  }));
  return { tasks };
}

function isRecorded({ terms, unrecorded }: Session): boolean {
  const recording = terms?.recording ?? null;
  return recording !== null && recording.failed !== true && !unrecorded;
}

/** Which session it is in, of somebody who is not there as its owner. */
function placeIn(shares: Pick<SessionShares, 'placeOf'>, session: Session) {
  const place = shares.placeOf(session);
  if (place === null) return { kind: session.shareUid === null ? 'session' : 'guest' };
  return { kind: place.byPolicy ? 'watcher' : 'guest', hostSessionUid: uidBytes(place.host.uid) };
}

/** Of a pool: it starts one. */
async function reaches(place: GuacdPlace): Promise<boolean> {
  const lease = await leaseGuacd(place, probeMs, new AbortController().signal).catch(() => null);
  if (lease === null) return false;
  return accepts(lease.host, lease.port).finally(() => lease.release());
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = net.connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(probeMs) });
    return true;
  } catch {
    return false; // that is the answer
  } finally {
    socket.destroy();
  }
}
