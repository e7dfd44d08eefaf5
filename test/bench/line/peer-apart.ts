import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { addresses, type Networks } from '../../fixtures/networks.ts';
import type { PeerAccess } from '../session/peer.ts';
import type { PeerOrder } from './peer-process.ts';

/** guacamole-lite in the customer's network, at a port of its router that the public network reaches. */
export class PeerApart {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(networks: Networks): Promise<PeerApart> {
    const [execPath = '', ...within] = networks.customer;
    const child = fork(join(import.meta.dirname, 'peer-process.ts'), [], {
      execPath,
      execArgv: [...within, process.execPath],
    });
    const [port] = (await once(child, 'message')) as [number];
    await networks.publish('customer', port);
    return new PeerApart(child);
  }

  async access(order: Omit<PeerOrder, 'at'>): Promise<PeerAccess> {
    const answered = once(this.#child, 'message');
    this.#child.send({ ...order, at: addresses.customerRouter } satisfies PeerOrder);
    const [access] = (await answered) as [PeerAccess];
    return access;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
