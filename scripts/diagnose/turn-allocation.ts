// Asks a STUN server for this machine's address, and a TURN server for a relay, as a browser would.
import type { IceUrl } from '../../protocol/channel/ice-servers.ts';
import { encodeRequest, type Login, type StunAnswer } from './stun-message.ts';
import { openStunWire, type StunWire } from './stun-wire.ts';

export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
}

/** A relay that was given: until it is closed, or its lifetime ends. */
export interface Allocation {
  /** host:port at which the relay takes what is meant for us. */
  readonly relayedAddress: string;
  /** host:port as the relay sees us. */
  readonly mappedAddress: string;
  /** Throws {@link TurnRefusal} when the relay does not prolong it. */
  refresh(seconds: number): Promise<void>;
  /** Gives it back. */
  close(): Promise<void>;
}

/** The relay's own no, with its code (401: credentials; 403: forbidden; 486: too many; 508: no port left). */
export class TurnRefusal extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`the relay answered ${code}`);
    this.code = code;
  }
}

/** host:port as the server sees this machine. */
export async function askMappedAddress(url: IceUrl, signal?: AbortSignal): Promise<string> {
  const wire = await openStunWire(url, signal);
  try {
    const answer = await wire.ask(encodeRequest('binding', null));
    if (!answer.success || answer.mappedAddress === null) throw new TurnRefusal(answer.errorCode);
    return answer.mappedAddress;
  } finally {
    wire.close();
  }
}

/** Throws {@link TurnRefusal}, or what the system says of the way there. */
export async function allocate(
  url: IceUrl,
  credentials: TurnCredentials,
  signal?: AbortSignal,
): Promise<Allocation> {
  const wire = await openStunWire(url, signal);
  try {
    const login = await loginOf(wire, credentials);
    const { relayedAddress, mappedAddress } = granted(await wire.ask(encodeRequest('allocate', login)));
    if (relayedAddress === null) throw new TurnRefusal(0);
    return {
      ...{ relayedAddress, mappedAddress: mappedAddress ?? '' },
      refresh: async (seconds) => void (await refresh(wire, login, seconds)),
      close: async () => {
        await refresh(wire, login, 0).catch(() => undefined); // it ends by itself otherwise
        wire.close();
      },
    };
  } catch (error) {
    wire.close();
    throw error;
  }
}

/** The first request is refused with the realm and nonce that the second is signed for. */
async function loginOf(wire: StunWire, { username, credential }: TurnCredentials): Promise<Login> {
  const { success, errorCode, realm, nonce } = await wire.ask(encodeRequest('allocate', null));
  if (success || errorCode !== 401) throw new TurnRefusal(errorCode);
  return { username, credential, realm, nonce };
}

/** A nonce ages: a relay says so once, and takes the same request with its new one. */
async function refresh(wire: StunWire, login: Login, seconds: number): Promise<StunAnswer> {
  const answer = await wire.ask(encodeRequest('refresh', login, seconds));
  if (answer.errorCode !== 438) return granted(answer);
  return granted(await wire.ask(encodeRequest('refresh', { ...login, nonce: answer.nonce }, seconds)));
}

function granted(answer: StunAnswer): StunAnswer {
  if (!answer.success) throw new TurnRefusal(answer.errorCode);
  return answer;
}
