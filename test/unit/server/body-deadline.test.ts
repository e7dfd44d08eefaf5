import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addBodyDeadline } from '../../../server/body-deadline.ts';
import { HandClock } from '../../fakes/hand-clock.ts';

const bodyMs = 30_000;
let app: FastifyInstance;
let clock: HandClock;
/** Bodies that routes got. */
let got: string[];

beforeEach(async () => {
  [app, clock, got] = [Fastify(), new HandClock(), []];
  addBodyDeadline(app, clock);
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const take = async ({ body }: { readonly body: unknown }) => void got.push(String(body));
  app.post('/quick', take);
  app.post('/patient', { config: { slowBody: true } }, take);
  app.post('/refused', {
    onRequest: async (_request, reply) => reply.code(429).send('wait'),
    handler: take,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => app.close());

/** Begins a request of ten bytes whose body comes to its half. */
function begin(path: string): { readonly socket: Socket; readonly closed: Promise<unknown>; told(): string } {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  let told = '';
  socket.on('data', (piece) => (told += piece.toString('latin1')));
  socket.on('error', () => undefined); // a reset is an end
  socket.write(`POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: a/b\r\ncontent-length: 10\r\n\r\n12345`);
  return { socket, closed: once(socket, 'close'), told: () => told };
}

test.each(['/quick', '/nowhere'])(
  'a body that takes longer than thirty seconds ends the connection: %s',
  async (path) => {
    const { socket, closed } = begin(path);
    await expect.poll(() => clock.timers).toBe(1);
    clock.advance(bodyMs - 1);
    socket.write('6');
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.destroyed).toBe(false);
    clock.advance(1);
    await closed;
    expect(got).toEqual([]);
  },
);

test('one that comes in time is taken, and its connection is good for another', async () => {
  const { socket, closed, told } = begin('/quick');
  await expect.poll(() => clock.timers).toBe(1);
  clock.advance(bodyMs - 1);
  socket.write('67890');
  await expect.poll(told).toContain('HTTP/1.1 200');
  await expect.poll(() => clock.timers).toBe(0);
  clock.advance(bodyMs);
  socket.write('POST /quick HTTP/1.1\r\nhost: a\r\ncontent-type: a/b\r\ncontent-length: 1\r\n\r\nx');
  await expect.poll(() => got).toEqual(['1234567890', 'x']);
  socket.destroy();
  await closed;
  await expect.poll(() => clock.timers).toBe(0);
});

test('that of a request which was answered without it, too', async () => {
  const { closed, told } = begin('/refused');
  await expect.poll(told).toContain('HTTP/1.1 429');
  clock.advance(bodyMs);
  await closed;
  expect(got).toEqual([]);
});

test('where bodies are large they may take their time', async () => {
  const { socket, told } = begin('/patient');
  const other = begin('/quick'); // by its timer the first one has arrived, too
  await expect.poll(() => clock.timers).toBe(1);
  clock.advance(10 * bodyMs);
  await other.closed;
  socket.write('67890');
  await expect.poll(told).toContain('HTTP/1.1 200');
  expect(got).toEqual(['1234567890']);
  socket.destroy();
});

test('a caller who goes away leaves no timer', async () => {
  const { socket } = begin('/quick');
  await expect.poll(() => clock.timers).toBe(1);
  socket.destroy();
  await expect.poll(() => clock.timers).toBe(0);
});
