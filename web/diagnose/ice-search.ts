import type { IceServer } from '../../workers/api.ts';

export interface IceSearch {
  readonly servers: readonly IceServer[];
  /** `relay`: looks for relays alone, and is content with the first. */
  readonly policy: RTCIceTransportPolicy;
}

/** What the browser's search for paths came to. */
export interface IceFound {
  /** Addresses of this machine, of this network as a STUN server sees it, and at relays. */
  readonly host: number;
  readonly reflexive: number;
  readonly relayed: number;
  /** What servers refused, by STUN's codes; 701: no answer at all (RFC 8445, WebRTC §5.7). */
  readonly refusals: readonly number[];
}

const searchMs = 9_000;

/** Looks for candidates with these servers, and gives up what it found when time is over. Throws when it is aborted. */
export async function searchPaths({ servers, policy }: IceSearch, signal: AbortSignal): Promise<IceFound> {
  const connection = new RTCPeerConnection({ iceServers: [...servers], iceTransportPolicy: policy });
  const types: string[] = [];
  const refusals: number[] = [];
  try {
    signal.throwIfAborted();
    const { promise: complete, resolve, reject } = Promise.withResolvers<void>();
    complete.catch(() => {}); // whoever waits for it hears of it; an abort may come before that
    const late = setTimeout(resolve, searchMs);
    signal.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')), {
      once: true,
    });
    connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.type) types.push(candidate.type);
      if (policy === 'relay' && candidate?.type === 'relay') resolve();
    });
    connection.addEventListener('icecandidateerror', ({ errorCode }) => refusals.push(errorCode));
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState === 'complete') resolve();
    });
    connection.createDataChannel('diagnose');
    await connection.setLocalDescription();
    await complete.finally(() => clearTimeout(late));
  } finally {
    connection.close();
  }
  const count = (type: string) => types.filter((found) => found === type).length;
  return { host: count('host'), reflexive: count('srflx'), relayed: count('relay'), refusals };
}
