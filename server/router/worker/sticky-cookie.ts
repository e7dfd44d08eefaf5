import type { FastifyInstance } from 'fastify';
import { encodeBase64url } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';

const name = 'sallyport-worker';
const sevenDays = 7 * 24 * 60 * 60;

/**
 * Lets a load balancer bring a browser back to the same worker. It names this process and nothing else, and nothing
 * depends on it.
 */
export function addStickyCookie(app: FastifyInstance, secure: boolean): void {
  const workerId = encodeBase64url(randomBytes(9));
  app.addHook('onRequest', async (request, reply) => {
    if (request.cookies[name] === workerId || request.url === '/healthz') return;
    void reply.setCookie(name, workerId, {
      path: '/',
      maxAge: sevenDays,
      httpOnly: true,
      sameSite: 'strict',
      secure,
    });
  });
}
