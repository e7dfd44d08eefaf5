import type { FastifyInstance } from 'fastify';

/** A request that takes longer than this when the server stops is cut off. */
const drainMs = 10_000;

/**
 * Closing waits for the requests that run, and for nothing else: connections that are only kept open, or were opened
 * ahead of a request, do not hold the server up.
 */
export function addDrain(app: FastifyInstance): void {
  let running = 0;
  let closing = false;
  const closeWhenIdle = () => {
    if (closing && running === 0) app.server.closeAllConnections();
  };
  app.addHook('onRequest', (_request, reply, done) => {
    running += 1;
    // Also when the caller goes away before the response.
    reply.raw.once('close', () => {
      running -= 1;
      closeWhenIdle();
    });
    done();
  });
  app.addHook('preClose', async () => {
    closing = true;
    const late = setTimeout(() => app.server.closeAllConnections(), drainMs);
    app.server.once('close', () => clearTimeout(late));
    app.server.once('close', () => (closing = false));
    setImmediate(closeWhenIdle); // after Fastify has stopped accepting
  });
}
