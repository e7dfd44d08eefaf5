import { generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import ssh2 from 'ssh2';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import { acceptShell } from './bridge-shell.ts';
import type { BridgeShell } from './bridge-shell.ts';

export interface BridgeOptions {
  readonly signal: AbortSignal;
  /** Where to listen. Another than loopback is for a guacd in a container of its own. */
  readonly address?: string;
  readonly loginMs?: number;
}

const username = 'sallyport';
/** Callers that have not shown the password yet: guacd is one, and others must not be able to keep it out. */
const maxCallers = 4;
/** guacd logs in within 0.2 s; a slow machine gets more. */
const defaultLoginMs = 15_000;

/**
 * A one-session SSH server for guacd, because guacd's own SSH client lacks most key types (guacd.md). Its host
 * key and password live as long as the session. The first caller with the password is the only one: with it the
 * port is closed, and everybody else is hung up on.
 */
export class Bridge {
  readonly port: number;
  readonly username = username;
  readonly password = randomBytes(32).toString('base64url');
  /** The terminal that guacd asked for. Fails when it does not, in time. */
  readonly shell: Promise<BridgeShell>;
  readonly #hostKey = makeHostKey();
  readonly #listener: net.Server;
  readonly #callers = new Set<net.Socket>();
  #guacd: net.Socket | null = null;
  #found: (shell: Promise<BridgeShell>) => void = () => {};

  private constructor(listener: net.Server, options: BridgeOptions) {
    const { port } = listener.address() as net.AddressInfo;
    this.#listener = listener;
    this.port = port;
    listener.on('connection', (socket) => this.#answer(socket));
    this.shell = this.#awaitShell(options);
    this.shell.catch(() => {}); // for those who await it; nobody may
  }

  /** Starts to listen on a free port. */
  static async open(options: BridgeOptions): Promise<Bridge> {
    const listener = net.createServer();
    listener.listen(0, options.address ?? '127.0.0.1', maxCallers);
    await once(listener, 'listening');
    return new Bridge(listener, options);
  }

  /** The host key as guacd 1.3.0 takes it: one line, of the type that libssh2 negotiates, for the name it calls. */
  knownHost(reachedAs: string): string {
    return `[${reachedAs}]:${this.port} ${this.#hostKey.publicText}`;
  }

  /** Hangs up on everybody. */
  close(): void {
    this.#listener.close();
    for (const socket of this.#callers) socket.destroy();
    this.#guacd?.destroySoon();
  }

  #awaitShell({ signal, loginMs = defaultLoginMs }: BridgeOptions): Promise<BridgeShell> {
    const late = () => new SessionFailure('guacd', 'guacd-timed-out', 'guacd did not come for its terminal');
    return withDeadline(loginMs, signal, late, (deadline) => {
      return new Promise((resolve, reject) => {
        this.#found = resolve;
        deadline.addEventListener('abort', () => reject(new SessionFailure('guacd', 'cancelled')), {
          once: true,
        });
      });
    });
  }

  #answer(socket: net.Socket): void {
    if (this.#guacd) return void socket.destroy();
    this.#makeRoom();
    this.#callers.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => this.#callers.delete(socket));
    const server = new ssh2.Server({ hostKeys: [this.#hostKey.privateText], algorithms });
    server.once('connection', (client) => this.#examine(client, socket));
    server.injectSocket(socket);
  }

  /** Who has waited longest without the password is the least likely to have it. */
  #makeRoom(): void {
    const [oldest] = this.#callers;
    if (oldest === undefined || this.#callers.size < maxCallers) return;
    this.#callers.delete(oldest);
    oldest.destroy();
  }

  /** One try each; who shows the password is guacd. */
  #examine(client: ssh2.Connection, socket: net.Socket): void {
    client.on('error', () => socket.destroy());
    client.on('authentication', (context) => {
      if (context.method === 'none') return context.reject(['password']);
      const right = context.method === 'password' && same(context.password, this.password);
      if (!right || context.username !== username || this.#guacd) return void socket.destroy();
      this.#admit(socket);
      this.#found(acceptShell(client));
      context.accept();
    });
  }

  #admit(guacd: net.Socket): void {
    this.#guacd = guacd;
    this.#callers.delete(guacd);
    this.#listener.close();
    for (const socket of this.#callers) socket.destroy();
  }
}

/** Quick ones that libssh2 has had for long: both ends are on the same host or next to each other. */
const algorithms: ssh2.Algorithms = {
  kex: ['curve25519-sha256', 'ecdh-sha2-nistp256', 'diffie-hellman-group14-sha256'],
  compress: ['none'],
};

function makeHostKey(): { privateText: string; publicText: string } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const privateText = pair.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const parsed = ssh2.utils.parseKey(privateText);
  if (parsed instanceof Error) throw parsed;
  const publicText = `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`;
  return { privateText, publicText };
}

function same(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
