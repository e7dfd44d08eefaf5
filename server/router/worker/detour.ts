import type { WebSocket } from 'ws';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { pipeDetour } from './detour-pipe.ts';
import type { DetourTimes } from './detours.ts';

export interface DetourParts {
  readonly accountUid: Uid;
  readonly gatewayUid: Uid;
  /** Of the session at the server by which it was asked for. */
  readonly tokenHash: Uint8Array;
  readonly expiresAt: number;
  readonly times: DetourTimes;
  readonly expiryOf: (tokenHash: Uint8Array) => Promise<number>;
  /** Once, whatever ended it. */
  readonly onEnd: (reason: string) => void;
}

/** A session that is used elsewhere lives on: looked at again at least so often. */
const lookAtMostMs = 60 * 60_000;

/** For the peer's answer to a close frame. */
const closeMs = 2_000;

type Pipe = ReturnType<typeof pipeDetour>;

/** One detour: its tickets are out, then the vault's half waits, then both are piped; whatever ends one half ends it. */
export class Detour {
  readonly accountUid: Uid;
  readonly gatewayUid: Uid;
  readonly tokenHash: Uint8Array;
  readonly #parts: DetourParts;
  #state: 'issued' | 'waiting' | 'paired' | 'ended' = 'issued';
  #vault: WebSocket | null = null;
  #gateway: WebSocket | null = null;
  #pipes: readonly Pipe[] = [];
  #deadline: NodeJS.Timeout;
  #expiry: NodeJS.Timeout | undefined;
  #paired = false;

  constructor(parts: DetourParts) {
    this.accountUid = parts.accountUid;
    this.gatewayUid = parts.gatewayUid;
    this.tokenHash = parts.tokenHash;
    this.#parts = parts;
    this.#deadline = setTimeout(() => this.end('not used'), parts.times.openMs);
    this.#deadline.unref();
  }

  get state() {
    return this.#state;
  }

  get paired(): boolean {
    return this.#paired;
  }

  get waiting(): number {
    return this.#pipes.reduce((sum, pipe) => sum + pipe.waiting(), 0);
  }

  /** The vault's half: nothing of it is read until the other is there. */
  wait(socket: WebSocket): void {
    this.#state = 'waiting';
    this.#vault = socket;
    this.#endWith(socket, 'vault');
    socket.on('message', this.#tooEarly);
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.end('the gateway did not come'), this.#parts.times.pairMs);
    this.#watchExpiry(this.#parts.expiresAt);
  }

  /** The gateway's half. Throws `not-allowed` when no other waits for it. */
  join(socket: WebSocket): void {
    const vault = this.#vault;
    if (this.#state !== 'waiting' || vault === null) throw new ProtocolError('not-allowed', 'nobody waits');
    clearTimeout(this.#deadline);
    this.#state = 'paired';
    this.#paired = true;
    this.#gateway = socket;
    this.#endWith(socket, 'gateway');
    vault.off('message', this.#tooEarly);
    const refuse = () => this.end('malformed');
    this.#pipes = [pipeDetour(vault, socket, refuse), pipeDetour(socket, vault, refuse)];
    this.#watchSilence();
  }

  end(reason: string): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#deadline);
    clearTimeout(this.#expiry);
    for (const socket of [this.#vault, this.#gateway]) if (socket) closeSoon(socket);
    this.#parts.onEnd(reason);
  }

  /** It has nobody to talk to, and the other end speaks first. */
  readonly #tooEarly = () => this.end('malformed');

  #endWith(socket: WebSocket, half: string): void {
    if (socket.readyState !== socket.OPEN) return this.end(`the ${half} left`);
    socket.once('close', () => this.end(`the ${half} left`));
  }

  /** One that is not read, because the other takes nothing, is as good as silent. */
  #watchSilence(): void {
    const { silenceMs } = this.#parts.times;
    this.#deadline = setTimeout(() => {
      const now = performance.now();
      const silent = this.#pipes.some(({ heardAt }) => now - heardAt() > silenceMs);
      if (silent) this.end('silent');
      else this.#watchSilence();
    }, silenceMs / 2);
    this.#deadline.unref();
  }

  #watchExpiry(expiresAt: number): void {
    const wait = Math.min(lookAtMostMs, Math.max(0, expiresAt - Date.now()));
    this.#expiry = setTimeout(() => {
      this.#parts.expiryOf(this.tokenHash).then(
        (later) => this.#state === 'ended' || this.#watchExpiry(later),
        () => this.end('signed out'),
      );
    }, wait);
    this.#expiry.unref();
  }
}

/** What was piped before the end still arrives: a goodbye is the last of it. */
function closeSoon(socket: WebSocket): void {
  if (socket.isPaused) socket.resume();
  socket.close(1000);
  const late = setTimeout(() => socket.terminate(), closeMs);
  socket.once('close', () => clearTimeout(late));
}
