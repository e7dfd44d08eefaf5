import { fork, type ChildProcess } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Guacd } from '../../../scripts/process/guacd.ts';
import { startTestGuacd } from '../../fixtures/guacd.ts';

/** What a browser needs to open a session of the peer. */
export interface PeerAccess {
  readonly url: string;
  readonly token: string;
}

/** A machine as a connection of the peer names it. */
export interface PeerTarget {
  readonly type?: 'ssh' | 'vnc';
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password: string;
  /** More of guacd's own settings. */
  readonly more?: Readonly<Record<string, string>>;
}

/** The pictures that the vault's page takes. */
const image = ['image/png', 'image/jpeg', 'image/webp'];

/** guacamole-lite in a process of its own, with a guacd of the same build as the gateway's. */
export class Peer {
  readonly guacd: Guacd;
  readonly #child: ChildProcess;
  readonly #key: string;
  readonly #port: number;

  private constructor(guacd: Guacd, child: ChildProcess, key: string, port: number) {
    this.guacd = guacd;
    this.#child = child;
    this.#key = key;
    this.#port = port;
  }

  /** `host`: the address that it listens at. */
  static async start(host = '127.0.0.1'): Promise<Peer> {
    const guacd = await startTestGuacd();
    const key = randomBytes(16).toString('hex');
    const program = join(import.meta.dirname, 'peer-server.ts');
    // What it prints for each connection goes nowhere; its errors show.
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
    const child = fork(program, [guacd.host, String(guacd.port), key, host], { stdio: [...stdio] });
    const [port] = (await once(child, 'message')) as [number];
    return new Peer(guacd, child, key, port);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get port(): number {
    return this.#port;
  }

  /** `at`: where the page reaches it. */
  access(
    target: PeerTarget,
    size: { readonly width: number; readonly height: number },
    at = '127.0.0.1',
  ): PeerAccess {
    const { type = 'ssh', host: hostname, port, username, password, more } = target;
    const login = username === undefined ? { password } : { username, password };
    const settings = { hostname, port: String(port), ...login, ...size, dpi: 96, image, ...more };
    const token = this.#seal({ connection: { type, settings } });
    return { url: `ws://${at}:${this.#port}/`, token };
  }

  async stop(): Promise<void> {
    this.#child.disconnect();
    await this.guacd.stop();
  }

  /** As guacamole-lite's documentation has it. */
  #seal(connection: object): string {
    const iv = randomBytes(16);
    const cipher = createCipheriv('aes-256-cbc', this.#key, iv);
    const value = Buffer.concat([cipher.update(JSON.stringify(connection)), cipher.final()]);
    const sealed = { iv: iv.toString('base64'), value: value.toString('base64') };
    return Buffer.from(JSON.stringify(sealed)).toString('base64');
  }
}
