// The limit that bulk is held against: TCP on a path of the same delay and rate, between two sockets of this machine.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { PathShape } from './line.ts';
import type { Paths } from './paths.ts';

const chunk = Buffer.alloc(64 * 1024, 7);

/** Bytes a second, from `riseMs` after the start until `floodMs`. */
export async function measureTcp(
  paths: Paths,
  shape: PathShape,
  { floodMs, riseMs }: { readonly floodMs: number; readonly riseMs: number },
): Promise<number> {
  let counted = 0;
  const start = performance.now();
  const server = createServer((socket) => {
    socket.on('data', ({ length }) => {
      if (performance.now() - start >= riseMs) counted += length;
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const client = connect({ port: await paths.open('tcp', address.port, shape), host: '127.0.0.1' });
  client.on('error', () => {});
  const more = () => {
    while (client.write(chunk));
  };
  client.on('drain', more);
  client.once('connect', more);
  await new Promise((resolve) => setTimeout(resolve, start + floodMs - performance.now()));
  const rate = (counted * 1000) / (floodMs - riseMs);
  client.destroy();
  await paths.close();
  server.close();
  return rate;
}
