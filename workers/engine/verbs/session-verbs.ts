import type { IceServer, SessionVerbs } from '../../api.ts';
import type { IceServers } from '../../../protocol/channel/ice-servers.ts';
import type { EngineCore } from '../core.ts';

/** Remote sessions of the unlocked vault. */
export function sessionVerbs(core: EngineCore): SessionVerbs {
  const sessions = () => core.unlocked().sessions;
  return {
    watchSessions: async (listener) => core.watchSessions(listener),
    iceServers: async () => asPeerConfiguration(await core.unlocked().iceServers.ask()),
    diagnoseMachine: async (recordUid) => await sessions().diagnose(recordUid),
    startSession: async (input) => await sessions().start(input),
    resumeSession: async (input) => await sessions().resume(input),
    openDetour: async (detourUid, port) => sessions().openDetour(detourUid, port),
    sendCandidate: async (input) => await sessions().sendCandidate(input),
    endSession: async (sessionUid) => core.vault?.sessions.end(sessionUid),
    pinHostKey: async (input) => await core.unlocked().data.records.pinHostKey(input),
  };
}

function asPeerConfiguration({ urls, username, credential }: IceServers): readonly IceServer[] {
  const textsOf = (wanted: boolean) =>
    urls.filter(({ scheme }) => (scheme === 'stun') === wanted).map(({ text }) => text);
  const [stun, turn] = [textsOf(true), textsOf(false)];
  return [
    ...(stun.length > 0 ? [{ urls: stun }] : []),
    ...(turn.length > 0 ? [{ urls: turn, username, credential }] : []),
  ];
}
