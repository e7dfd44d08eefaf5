import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  EndLiveSession,
  LiveGateway,
  LiveSession,
  OversightVerbs,
  SessionPolicyView,
  SetSessionPolicy,
} from '../../workers/api.ts';

/** Gateways in memory that keep a policy each, and say what runs on them. */
export interface FakeOversight extends OversightVerbs {
  readonly live: LiveGateway[];
  readonly policies: Map<Uid, SessionPolicyView>;
  /** As they were signed. */
  readonly signed: SetSessionPolicy[];
  readonly endedLive: EndLiveSession[];
}

const none: SessionPolicyView = {
  ...{ version: 0, counts: false, overseers: [], silent: false, listedEndOnly: false, signedAt: null },
};

export function createFakeOversight(emailOf: (uid: Uid) => string): FakeOversight {
  const policies = new Map<Uid, SessionPolicyView>();
  const [live, signed, endedLive]: [LiveGateway[], SetSessionPolicy[], EndLiveSession[]] = [[], [], []];
  const read = (gatewayUid: Uid) => policies.get(gatewayUid) ?? none;
  return {
    ...{ live, policies, signed, endedLive },
    readSessionPolicy: async (gatewayUid) => read(gatewayUid),
    setSessionPolicy: async (input) => {
      if (read(input.gatewayUid).version !== input.version) throw new ProtocolError('conflict');
      signed.push(input);
      const { gatewayUid, version, silent, listedEndOnly } = input;
      const overseers = input.overseers.map((one) => ({
        ...one,
        email: emailOf(one.accountUid),
        counts: true,
      }));
      const shown = {
        version: version + 1,
        counts: true,
        overseers,
        silent,
        listedEndOnly,
        signedAt: Date.now(),
      };
      policies.set(gatewayUid, shown);
      return shown;
    },
    listLiveSessions: async () => [...live],
    watchSession: async () => {
      throw new ProtocolError('unavailable', 'not in the fake');
    },
    endLiveSession: async (input) => void endedLive.push(input),
  };
}

/** A gateway that answers, and what runs on it. */
export function liveGateway(change: Partial<LiveGateway> = {}): LiveGateway {
  return {
    ...{ uid: newUid(), name: 'Office', ownerEmail: 'ada@example.test', own: false, state: 'online' },
    ...{ failure: null, mayWatch: true, mayEnd: true, silent: false, sessions: [], ...change },
  };
}

export function liveSession(change: Partial<LiveSession> = {}): LiveSession {
  return {
    ...{ uid: newUid(), email: 'ben@example.test', own: false, recordUid: newUid(), title: '' },
    ...{ protocol: 'ssh', startedAt: Date.now() - 270_000, recorded: false, watchable: true, guests: [] },
    ...change,
  };
}
