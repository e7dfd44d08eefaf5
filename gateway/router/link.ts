import { setTimeout as sleep } from 'node:timers/promises';
import { empty, type Bytes } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { RouterToGatewayFrame, Welcome } from '../../protocol/messages/gen/link_pb.js';
import { proveGatewayIdentity } from '../../protocol/session/gateway-identity.ts';
import { signLinkProof } from '../../protocol/signed/link-proof.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Logger } from '../log/logger.ts';
import { BackOff } from './back-off.ts';
import { LinkSocket, type LinkTiming } from './link-socket.ts';
import { ReplayLog, type GatewayFrameBody } from './replay-log.ts';
import { serverPaths, type ServerDoor } from './server-door.ts';

export interface LinkOptions {
  readonly door: ServerDoor;
  readonly gatewayUid: Uid;
  readonly clientId: Bytes;
  readonly device: Signer;
  readonly appKey: Bytes;
  readonly version: string;
  readonly log: Logger;
  /** Frames that are neither of the link's own making nor of its upkeep. */
  readonly onFrame: (body: RouterToGatewayFrame['body']) => void;
  /** After every welcome. `resumed`: nothing was lost. */
  readonly onOnline?: (resumed: boolean) => void;
  readonly timing?: Partial<LinkTiming>;
  readonly backOff?: BackOff;
}

/** A link that lived this long was a good one: the next try comes soon again. */
const healthyMs = 5_000;
const welcomeMs = 15_000;
/** Frames received since the router last heard the count; its own log is bounded too. */
const acknowledgeEvery = 32n;

/** The gateway's way to the router: outbound only, always tried again. */
export class Link {
  readonly #options: LinkOptions;
  readonly #log: Logger;
  readonly #backOff: BackOff;
  readonly #sentFrames = new ReplayLog();
  readonly #stop = new AbortController();
  #socket: LinkSocket | null = null;
  #linkUid: Uint8Array = empty;
  #received = 0n;
  #acknowledged = 0n;
  #lostAt = 0;
  #running: Promise<void> | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#backOff = options.backOff ?? new BackOff();
  }

  get online(): boolean {
    return this.#socket !== null;
  }

  /** Loops until close. */
  run(): Promise<void> {
    this.#running ??= this.#loop();
    return this.#running;
  }

  /** Sends a frame now, or with the link that resumes this one. Without either it is lost, and so is its session. */
  send(body: GatewayFrameBody): void {
    if (!this.#sentFrames.add(body)) {
      this.#log.warn('too many frames wait for the router');
      this.#socket?.fail(new ProtocolError('timed-out', 'the router acknowledges nothing'));
      return this.#forget();
    }
    this.#write(body);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#socket?.close();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const began = performance.now();
      const reason = await this.attempt().catch((error: unknown) => this.#explain(error));
      if (signal.aborted) return;
      if (performance.now() - began > healthyMs) this.#backOff.reset();
      const ms = this.#backOff.nextMs();
      this.#log.warn('link lost', { code: reason.code, reason: reason.message, ms });
      await sleep(ms, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    }
  }

  /** One link from key to end. Gives the reason of its end; throws when it does not come about. */
  async attempt(): Promise<ProtocolError> {
    const { door, timing } = this.#options;
    const { signal } = this.#stop;
    const serverKey = await door.fetchKey(signal);
    const url = door.socketUrl(serverPaths.link);
    const greeting = new Greeting();
    const onFrame = (frame: RouterToGatewayFrame) => this.#take(frame, greeting);
    const base = { url, tls: door.tls, serverKey, onFrame, signal };
    const socket = await LinkSocket.open(timing ? { ...base, timing } : base);
    try {
      await this.#introduce(socket, greeting);
      return await socket.closed;
    } finally {
      socket.fail(new ProtocolError('cancelled'));
      if (this.#socket === socket) this.#lostAt = performance.now();
      this.#socket = null;
    }
  }

  async #introduce(socket: LinkSocket, greeting: Greeting): Promise<void> {
    const deadline = setTimeout(() => socket.fail(new ProtocolError('timed-out', 'no welcome')), welcomeMs);
    const lost = socket.closed.then((reason) => Promise.reject(reason));
    try {
      const nonce = await Promise.race([greeting.challenge, lost]);
      socket.send({ body: { case: 'proof', value: await this.#prove(nonce, socket.binding) } });
      greeting.onWelcome = (welcome) => this.#welcome(socket, welcome);
      await Promise.race([greeting.welcomed, lost]);
    } finally {
      clearTimeout(deadline);
    }
  }

  async #prove(challenge: Uint8Array, binding: Bytes) {
    const { gatewayUid, clientId, device, appKey, version } = this.#options;
    const proof = { subject: 'gateway', identity: clientId, challenge, binding } as const;
    const canResume = this.#linkUid.length > 0 && performance.now() - this.#lostAt < limits.linkResumeMs;
    if (!canResume) this.#forget();
    return {
      clientId,
      gatewayUid: uidBytes(gatewayUid),
      version,
      signature: await signLinkProof(device, proof),
      identityProof: proveGatewayIdentity(appKey, gatewayUid, device.publicKey),
      resumeLinkUid: this.#linkUid,
      resumeReceived: this.#received,
    };
  }

  #welcome(socket: LinkSocket, { linkUid, resumed, received }: Welcome): void {
    if (resumed) this.#sentFrames.acknowledge(received);
    else this.#forget();
    this.#linkUid = linkUid;
    this.#socket = socket;
    for (const body of this.#sentFrames.pending) this.#write(body);
    this.#log.info('link up', { resumed });
    this.#options.onOnline?.(resumed);
  }

  #take(frame: RouterToGatewayFrame, greeting: Greeting): void {
    const { body, received } = frame;
    if (body.case === 'challenge') return greeting.challenged(body.value.nonce);
    if (body.case === 'welcome') return greeting.welcome(body.value);
    if (this.#socket === null) throw new ProtocolError('malformed', 'a frame before the welcome');
    this.#sentFrames.acknowledge(received);
    if (body.case === 'closing') return this.#closing(body.value.code);
    const unknownBody = (frame.$unknown?.length ?? 0) > 0; // of a newer router: it counts, and is ignored
    if (body.case === undefined && !unknownBody) return;
    this.#received++;
    if (this.#received - this.#acknowledged >= acknowledgeEvery) this.#write(null);
    if (body.case !== undefined) this.#options.onFrame(body);
  }

  /** A router that restarts says so: nothing is wrong, and waiting long would only keep people from working. */
  #closing(code: string): void {
    if (code === 'unavailable') this.#backOff.reset();
    this.#socket?.fail(new ProtocolError('offline', `the router ends the link: ${code}`));
  }

  /** null: the count of received frames alone. */
  #write(body: GatewayFrameBody | null): void {
    if (this.#socket === null) return;
    this.#acknowledged = this.#received;
    this.#socket.send(body === null ? { received: this.#received } : { body, received: this.#received });
  }

  #forget(): void {
    this.#sentFrames.clear();
    this.#linkUid = empty;
    this.#received = 0n;
    this.#acknowledged = 0n;
  }

  #explain(error: unknown): ProtocolError {
    const known = toProtocolError(error);
    if (known === null) this.#log.error('link failed', { err: error });
    return known ?? new ProtocolError('internal', 'the link failed');
  }
}

/** What must come first on a link, each once and in this order. */
class Greeting {
  readonly challenge: Promise<Uint8Array>;
  readonly welcomed: Promise<void>;
  onWelcome: (welcome: Welcome) => void = () => {
    throw new ProtocolError('malformed', 'a welcome before the proof');
  };
  #challenge = Promise.withResolvers<Uint8Array>();
  #welcomed = Promise.withResolvers<void>();
  #done = false;

  constructor() {
    this.challenge = this.#challenge.promise;
    this.welcomed = this.#welcomed.promise;
  }

  challenged(nonce: Uint8Array): void {
    if (nonce.length !== 32) throw new ProtocolError('malformed', 'a challenge has 32 bytes');
    this.#challenge.resolve(nonce);
  }

  welcome(welcome: Welcome): void {
    if (this.#done) throw new ProtocolError('malformed', 'a second welcome');
    this.#done = true;
    this.onWelcome(welcome);
    this.#welcomed.resolve();
  }
}
