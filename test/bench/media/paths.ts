import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PathShape } from './line.ts';
import type { PathReply, PathRequest, PathToll } from './path-process.ts';

/** Paths with delay and rate, in a process of their own; one at a time. */
export class Paths {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, 'path-process.ts'));

  /** The port at which a path to `port` of this machine begins. */
  async open(kind: 'udp' | 'tcp', port: number, shape: PathShape): Promise<number> {
    return (await this.#ask({ kind, port, shape })).port;
  }

  async close(): Promise<PathToll> {
    return await this.#ask({ kind: 'close' });
  }

  end(): void {
    this.#child.disconnect();
  }

  async #ask(request: PathRequest): Promise<PathReply> {
    this.#child.send(request);
    const [reply] = (await once(this.#child, 'message')) as [PathReply];
    return reply;
  }
}
