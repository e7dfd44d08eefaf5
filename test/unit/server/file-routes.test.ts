import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { systemClock } from '../../../server/clock.ts';
import { createLogger } from '../../../server/log/logger.ts';
import { FileAddresses } from '../../../server/secrets-manager/file-addresses.ts';
import { addFileRoutes, type FileRouteParts } from '../../../server/secrets-manager/file-routes.ts';
import { FileTickets } from '../../../server/secrets-manager/file-tickets.ts';

test('a connection that asked for a file is as soon over as any other that asks for nothing more', async () => {
  const app = Fastify({ keepAliveTimeout: 100 });
  const addresses = new FileAddresses({
    tickets: new FileTickets(new Uint8Array(32)),
    // Nobody gets so far without an address that this server gave.
    ...({} as Pick<ConstructorParameters<typeof FileAddresses>[0], 'db' | 'events' | 'origin'>),
    clock: systemClock,
  });
  addFileRoutes(app, {
    addresses,
    ...{ rate: { burst: 10, perSecond: 1 }, log: createLogger('error'), clock: systemClock },
    ...({} as Pick<FileRouteParts, 'uploads' | 'blobs'>),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  try {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /api/rest/sm/files/x HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const ended = once(socket, 'close');
    expect(await text(socket)).toContain('403');
    await ended;
  } finally {
    await app.close();
  }
});
