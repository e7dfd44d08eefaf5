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
  app.addHook('onRequest', (request, reply, done) => {
    if (request.cookies[name] !== workerId && !isOfProgram(request.url))
      void reply.setCookie(name, workerId, {
        path: '/',
        maxAge: sevenDays,
        httpOnly: true,
        sameSite: 'strict',
        secure,
      });
    done();
  });
}

/** Programs keep no cookies. */
function isOfProgram(url: string): boolean {
  return url === '/healthz' || url.startsWith('/api/rest/sm/');
}
