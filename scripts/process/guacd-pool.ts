// A guacd of its own for each session: one that is shared can give a session's connection to another (decision 16).
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { GuacdPlace } from '../../gateway/guacd/lease.ts';
import { endSessionOf } from './descendants.ts';
import type { Guacd, GuacdOptions } from './guacd.ts';
import { launchGuacd, prepareGuacd } from './guacd.ts';

export type GuacdPoolOptions = Omit<GuacdOptions, 'port' | 'host'> & {
  /** The Unix socket, in a folder of the pool's own by default, which nobody else may enter. */
  readonly path?: string;
  /** Sessions at once. */
  readonly most?: number;
};

export type GuacdPool = {
  /** The Unix socket. A connection to it gets a port of loopback in one line; the guacd there lasts as long as it. */
  readonly path: string;
  /** What a gateway is told of it. */
  readonly place: GuacdPlace;
  /** Of those that are given out, and of the one that waits. */
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
};

const usualMost = 500;
/** guacd itself gives a child that does not end five seconds. */
const goodbyeMilliseconds = 10_000;

/** Starts the pool, with one guacd that waits for the first session: starting one takes 25 ms. */
export async function startGuacdPool(options: GuacdPoolOptions): Promise<GuacdPool> {
  const launch = await prepareGuacd(options);
  const settings = await makeSettings();
  const path = options.path ?? join(await mkdtemp(join(tmpdir(), 'sallyport-guacd-')), 'pool');
  const pool = new Pool(() => launchGuacd(launch, { ...options, settings }), options);
  const server = createServer((socket) => void pool.serve(socket));
  server.listen(path);
  await once(server, 'listening');
  const own = [settings, ...(options.path === undefined ? [dirname(path)] : [])];
  const end = (): Promise<void> => stop(server, pool, own);
  await pool.prepare().catch((error: unknown) => end().then(() => Promise.reject(error)));
  const { account, channels } = launch;
  const { uid, gid } = account;
  const place = {
    ...{ pool: path, plugins: channels.plugins, freerdp: freerdpIn(settings) },
    ...(account.dropped && { account: { uid, gid } }),
  };
  return { path, place, pids: () => pool.pids, stop: end };
}

const freerdpIn = (settings: string): string => join(settings, 'freerdp');

/** What FreeRDP would make itself. guacd's account may read there, and change nothing. */
async function makeSettings(): Promise<string> {
  const settings = await mkdtemp(join(tmpdir(), 'sallyport-freerdp-'));
  for (const name of ['certs', 'server']) await mkdir(join(freerdpIn(settings), name), { recursive: true });
  await chmod(settings, 0o755);
  return settings;
}

async function stop(server: Server, pool: Pool, folders: readonly string[]): Promise<void> {
  const closed = once(server, 'close');
  server.close(); // removes the socket
  await pool.stop();
  await closed;
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
}

class Pool {
  readonly #start: () => Promise<Guacd>;
  readonly #line: (text: string) => void;
  readonly #most: number;
  readonly #running = new Set<Guacd>();
  readonly #served = new Set<Socket>();
  /** The children of those that have ended may live on until then. */
  readonly #leaving = new Map<number, NodeJS.Timeout>();
  #spare: Promise<Guacd | null> | null = null;
  #stopped = false;

  constructor(start: () => Promise<Guacd>, { line = () => undefined, most = usualMost }: GuacdPoolOptions) {
    this.#start = start;
    this.#line = line;
    this.#most = most;
  }

  get pids(): readonly number[] {
    return [...this.#running].map(({ pid }) => pid);
  }

  /** Throws when guacd cannot be started at all. */
  async prepare(): Promise<void> {
    this.#spare = Promise.resolve(await this.#launch());
  }

  async serve(socket: Socket): Promise<void> {
    socket.on('error', () => undefined).resume();
    if (this.#stopped || this.#served.size >= this.#most) return void socket.destroy();
    this.#served.add(socket);
    const gone = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    void gone.then(() => this.#served.delete(socket));
    const guacd = await this.#take();
    if (guacd) {
      socket.write(`${guacd.port}\n`);
      await Promise.race([gone, guacd.exited]);
      await this.#end(guacd);
    }
    socket.destroy();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const socket of this.#served) socket.destroy();
    await this.#spare;
    await Promise.all([...this.#running].map((guacd) => this.#end(guacd)));
    for (const pid of [...this.#leaving.keys()]) this.#finish(pid);
  }

  /** The one that waits, while the next one is started; null when none can be. */
  async #take(): Promise<Guacd | null> {
    const waiting = this.#spare;
    this.#spare = null;
    const spare = await waiting;
    const guacd = spare && this.#running.has(spare) ? spare : await this.#tryLaunch();
    if (!this.#stopped) this.#spare ??= this.#tryLaunch();
    return guacd;
  }

  async #tryLaunch(): Promise<Guacd | null> {
    return this.#launch().catch((error: unknown) => {
      this.#line(`guacd cannot be started: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    });
  }

  async #launch(): Promise<Guacd> {
    const guacd = await this.#start();
    this.#running.add(guacd);
    void guacd.exited.then(({ code, signal }) => {
      if (!this.#running.delete(guacd)) return;
      endSessionOf(guacd.pid, 'guacd'); // its child has the session's connection, too
      this.#line(`a guacd has ended by itself (${signal ?? `code ${code}`})`);
    });
    if (this.#stopped) await this.#end(guacd);
    return guacd;
  }

  /** Its child says goodbye to the target once the session's connections are gone, and gets a moment for it. */
  async #end(guacd: Guacd): Promise<void> {
    this.#running.delete(guacd);
    await guacd.stop();
    if (this.#stopped) return endSessionOf(guacd.pid, 'guacd');
    const late = setTimeout(() => this.#finish(guacd.pid), goodbyeMilliseconds);
    this.#leaving.set(guacd.pid, late);
  }

  #finish(pid: number): void {
    clearTimeout(this.#leaving.get(pid));
    this.#leaving.delete(pid);
    if (!this.pids.includes(pid)) endSessionOf(pid, 'guacd'); // the number may have a new owner
  }
}
