import type { LegName, SessionEvent, SessionGuest } from '../../api.ts';
import { Leg, LegState, type Guest, type SessionSignal } from '../../../protocol/messages/gen/session_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';

/** An opened signal as the page gets it; null for one that a newer gateway may send and this vault does not know. */
export function describeSignal(sessionUid: Uid, { body }: SessionSignal): SessionEvent | null {
  switch (body.case) {
    case 'candidate':
      return { kind: 'candidate', sessionUid, candidate: body.value.candidate, mid: body.value.mid };
    case 'progress': {
      const leg = legNames[body.value.leg];
      const state = body.value.state === LegState.DONE ? 'done' : 'started';
      return leg ? { kind: 'progress', sessionUid, leg, state, atMs: body.value.atMs } : null;
    }
    case 'hostKey': {
      const { key, fingerprint, trustedOnFirstUse } = body.value;
      return { kind: 'host-key', sessionUid, key, fingerprint, trustedOnFirstUse };
    }
    case 'ended': {
      const { leg, code, message, reason } = body.value;
      return { kind: 'ended', sessionUid, leg: legNames[leg], code, message, reason };
    }
    case 'recordingStopped':
      return { kind: 'recording-stopped', sessionUid };
    case 'recordingWaits':
      return { kind: 'recording-waits', sessionUid, waits: body.value.waits };
    case 'endingSoon':
      return { kind: 'ending-soon', sessionUid, code: body.value.code, leftMs: body.value.leftMs };
    case 'guests':
      return { kind: 'guests', sessionUid, guests: body.value.guests.map(describeGuest) };
    case undefined:
      return null;
  }
}

function describeGuest({ accountUid, shareUid, email, typing, sinceMs, byPolicy }: Guest): SessionGuest {
  const [uid, share] = [uidOf(accountUid), uidOf(shareUid)];
  return { accountUid: uid, shareUid: share, email, typing, since: Number(sinceMs), byPolicy };
}

const legNames: Readonly<Record<Leg, LegName | null>> = {
  [Leg.UNSPECIFIED]: null,
  [Leg.ROUTER]: 'router',
  [Leg.GATEWAY]: 'gateway',
  [Leg.ICE]: 'ice',
  [Leg.GUACD]: 'guacd',
  [Leg.JUMP]: 'jump',
  [Leg.TARGET]: 'target',
  [Leg.LOGIN]: 'login',
};
