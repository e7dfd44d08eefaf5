// How long the bodies of requests may take to arrive: a caller who sends ever so slowly holds a connection and nothing else.
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its body is large: it may take as long as the server waits for any. */
    slowBody?: boolean;
  }
}

/** A body of a few MiB on a slow path. */
const bodyMs = 30_000;
/** The largest file at 600 kbit/s. */
export const slowBodyMs = 60 * 60_000;

/** Cuts requests off whose body takes longer than 30 seconds, except on routes that say `slowBody`. */
export function addBodyDeadline(app: FastifyInstance, ms = bodyMs): void {
  app.addHook('onRequest', async (request, reply) => {
    const { raw, routeOptions } = request;
    if (routeOptions.config.slowBody || raw.complete) return;
    const late = setTimeout(() => {
      if (!raw.complete) raw.socket.destroy();
    }, ms);
    reply.raw.once('close', () => clearTimeout(late));
  });
}
