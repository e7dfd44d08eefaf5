// One way to a STUN or TURN server: UDP, TCP or TLS, a request at a time.
import { createSocket } from 'node:dgram';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { lookup } from 'node:dns/promises';
import type { IceUrl } from '../../protocol/channel/ice-servers.ts';
import { messageLength, parseAnswer, type StunAnswer } from './stun-message.ts';

export interface StunWire {
  /** The answer of that transaction. Rejects when there is none in time, or the way is gone. */
  ask(request: { readonly bytes: Buffer; readonly transaction: string }): Promise<StunAnswer>;
  close(): void;
}

/** RFC 8489 §6.2.1: a datagram may be lost, so it is sent again, each time later. */
const resendMs = [500, 1_000, 2_000];
const answerMs = 6_000;

/** Rejects with the system's own word (ENOTFOUND, ECONNREFUSED, a certificate's fault …). */
export async function openStunWire(url: IceUrl, signal?: AbortSignal): Promise<StunWire> {
  return url.transport === 'udp' ? await openUdp(url, signal) : await openStream(url, signal);
}

async function openUdp({ host, port }: IceUrl, signal?: AbortSignal): Promise<StunWire> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  const answers = new Answers(signal);
  socket.on('message', (bytes) => answers.take(bytes));
  socket.on('error', (error) => answers.fail(error));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, address, resolve);
  });
  return {
    ask: async ({ bytes, transaction }) => {
      const again = resendMs.map((ms) => setTimeout(() => socket.send(bytes), ms));
      socket.send(bytes);
      return await answers.of(transaction).finally(() => again.forEach(clearTimeout));
    },
    close: () => socket.close(),
  };
}

async function openStream({ scheme, host, port }: IceUrl, signal?: AbortSignal): Promise<StunWire> {
  const answers = new Answers(signal);
  const socket = await connectStream(scheme === 'turns', host, port, signal);
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (let length = messageLength(rest); length !== null && rest.length >= length;) {
      answers.take(rest.subarray(0, length));
      rest = rest.subarray(length);
      length = messageLength(rest);
    }
  });
  socket.on('error', (error) => answers.fail(error));
  socket.on('close', () => answers.fail(new Error('the relay closed the connection')));
  return {
    ask: async ({ bytes, transaction }) => {
      socket.write(bytes);
      return await answers.of(transaction);
    },
    close: () => socket.destroy(),
  };
}

function connectStream(secure: boolean, host: string, port: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const opened = () => resolve(socket);
    const socket: Socket = secure
      ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) }, opened)
      : connectTcp({ host, port }, opened);
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(answerMs, () => fail(new Error('no answer')));
    signal?.addEventListener('abort', () => fail(new Error('cancelled')), { once: true });
    socket.once('error', reject);
  });
}

/** Requests that wait for their answer. */
class Answers {
  readonly #waiting = new Map<string, PromiseWithResolvers<StunAnswer>>();
  readonly #signal: AbortSignal | undefined;
  #failed: Error | null = null;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
    signal?.addEventListener('abort', () => this.fail(new Error('cancelled')), { once: true });
  }

  async of(transaction: string): Promise<StunAnswer> {
    this.#signal?.throwIfAborted();
    if (this.#failed) throw this.#failed;
    const waiting = Promise.withResolvers<StunAnswer>();
    this.#waiting.set(transaction, waiting);
    const late = setTimeout(() => waiting.reject(new Error('no answer')), answerMs);
    return await waiting.promise.finally(() => {
      clearTimeout(late);
      this.#waiting.delete(transaction);
    });
  }

  take(bytes: Buffer): void {
    const answer = parseAnswer(bytes);
    if (answer) this.#waiting.get(answer.transaction)?.resolve(answer);
  }

  fail(error: Error): void {
    this.#failed ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }
}
