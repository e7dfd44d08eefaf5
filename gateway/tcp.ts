import { once } from 'node:events';
import net from 'node:net';

/** A TCP connection, open. Throws what the network says, or anything at all once the signal has ended it. */
export async function openTcp(host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  const socket = net.connect({ host, port });
  const giveUp = () => socket.destroy(new Error('given up'));
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    signal.throwIfAborted();
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
