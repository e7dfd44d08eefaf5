// Child of `bench line`, in the customer's network: guacamole-lite and its guacd beside the machine.
import { Peer, type PeerAccess } from '../session/peer.ts';

/** Where the machine is, and the size of the terminal to open there. */
export interface PeerOrder {
  readonly target: Parameters<Peer['access']>[0];
  readonly size: Parameters<Peer['access']>[1];
  /** Where a page reaches this process. */
  readonly at: string;
}

const peer = await Peer.start('0.0.0.0');
process.send?.(peer.port);
process.on('message', ({ target, size, at }: PeerOrder) => {
  const access: PeerAccess = peer.access(target, size, at);
  process.send?.(access);
});
process.on('disconnect', () => void peer.stop().then(() => process.exit(0)));
