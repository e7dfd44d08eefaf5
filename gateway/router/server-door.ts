import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import { concat, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { verifyServerKeys, type ServerPublicKey } from '../../protocol/transmission/server-keys.ts';
import type { RisingState } from '../rising-state.ts';

/** Where the server's own keys are, and where gateways knock. */
export const serverPaths = {
  ...{ keys: '/api/v1/server-keys', link: '/api/v1/gateway-link', detour: '/api/v1/detour' },
} as const;

const answerMs = 15_000;

export interface HttpAnswer {
  readonly status: number;
  readonly body: Bytes;
}

export interface ServerRequest {
  readonly method: 'GET' | 'POST';
  /** From the server's root. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal: AbortSignal;
}

export interface ServerDoorOptions {
  readonly server: string;
  /** SHA-256 of the identity key that signs the server's keys. */
  readonly identity: Bytes;
  readonly state: RisingState;
  readonly certificateAuthority: string | null;
}

/** Requests to the one server this gateway knows: TLS with the system's authorities and those that were added. */
export class ServerDoor {
  readonly #options: ServerDoorOptions;
  readonly #agent: http.Agent;
  #key: ServerPublicKey | null = null;

  constructor(options: ServerDoorOptions) {
    this.#options = options;
    const settings = { keepAlive: true, maxSockets: 8, ...this.tls };
    this.#agent = this.#secure ? new https.Agent(settings) : new http.Agent(settings);
  }

  get server(): string {
    return this.#options.server;
  }

  /** Of a WebSocket there. */
  socketUrl(path: string): URL {
    const url = new URL(path, this.server);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url;
  }

  /** What a TLS connection to the server believes. */
  get tls(): { readonly ca?: string[] } {
    const { certificateAuthority } = this.#options;
    return certificateAuthority === null ? {} : { ca: [...rootCertificates, certificateAuthority] };
  }

  /** The server's key as last seen, for requests that can ask again. Throws as {@link ServerDoor.fetchKey}. */
  async key(signal: AbortSignal): Promise<ServerPublicKey> {
    return this.#key ?? (await this.fetchKey(signal));
  }

  /** The server's current transmission key. Throws `untrusted` for another identity or older keys, or `offline`. */
  async fetchKey(signal: AbortSignal): Promise<ServerPublicKey> {
    const { identity, state } = this.#options;
    const { status, body } = await this.request({ method: 'GET', path: serverPaths.keys, signal });
    if (status !== 200) throw new ProtocolError('unavailable', `the server answered with status ${status}`);
    const { key, pin } = verifyServerKeys(body, { identity, keySetVersion: state.versions.serverKeySet });
    await state.raise({ serverKeySet: pin.keySetVersion });
    this.#key = key;
    return key;
  }

  /** One request. Throws `offline` when there is no answer, `too-large` when it does not end. */
  async request(request: ServerRequest): Promise<HttpAnswer> {
    const attempt = () => this.#attempt(request);
    return await attempt().catch((error: unknown) => {
      if (error instanceof StaleConnection) return attempt();
      throw error;
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #attempt({ method, path, headers, body, signal }: ServerRequest): Promise<HttpAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    const limited = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
    const send = this.#secure ? https.request : http.request;
    const options = { method, headers: { ...headers }, agent: this.#agent, signal: limited };
    const request = send(new URL(path, this.#options.server), options, (response) => {
      readBody(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject);
    });
    request.on('error', (error) => {
      const stale = request.reusedSocket && 'code' in error && error.code === 'ECONNRESET';
      reject(stale ? new StaleConnection() : asOffline(error));
    });
    request.end(body);
    return promise;
  }

  get #secure(): boolean {
    return this.#options.server.startsWith('https:');
  }
}

/** The server closed a kept connection while the next request was on its way into it: it has not been seen. */
class StaleConnection extends ProtocolError {
  constructor() {
    super('offline', 'the server closed the connection');
  }
}

async function readBody(response: http.IncomingMessage): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > limits.apiBody) throw new ProtocolError('too-large', 'the answer does not end');
      parts.push(part);
    }
  } catch (error) {
    response.destroy();
    throw error instanceof ProtocolError ? error : asOffline(error);
  }
  return concat(...parts);
}

/** The system's code (ECONNREFUSED, CERT_HAS_EXPIRED …) is what an administrator needs. */
function asOffline(error: unknown): ProtocolError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
  return new ProtocolError('offline', `the server cannot be reached (${code})`);
}
