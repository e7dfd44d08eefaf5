// What a browser may do with the vault's page. docs/security.md, attack classes 6 and 20.
import type { FastifyInstance } from 'fastify';

/** `connect-src` names the own WebSocket too, because not every browser counts it as 'self'. */
function contentSecurityPolicy(webSocketOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src ${["'self'", ...webSocketOrigins].join(' ')}`,
    "worker-src 'self'",
    'media-src blob:',
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types svelte-trusted-html sallyport sallyport-terminal',
  ].join('; ');
}

const features = [
  'camera',
  'microphone',
  'geolocation',
  'payment',
  'usb',
  'serial',
  'hid',
  'midi',
  'display-capture',
];

export interface Origin {
  /** Null: what the request itself was sent to. */
  readonly publicUrl: string | null;
  readonly tls: boolean;
  /** Browsers are to come by TLS alone for two years: not where the certificate is only one for development. */
  readonly strict: boolean;
}

/** On every response, so that none can be forgotten; who sends one past the framework asks for those of its host. */
export function addSecurityHeaders(
  app: FastifyInstance,
  { publicUrl, tls, strict }: Origin,
): (host: string) => Readonly<Record<string, string>> {
  const fixed = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'permissions-policy': features.map((feature) => `${feature}=()`).join(', '),
    'x-frame-options': 'DENY',
    ...(strict && { 'strict-transport-security': 'max-age=63072000' }),
  };
  const made = (host: string) => {
    const origin = publicUrl ?? `${tls ? 'https' : 'http'}://${safeHost(host)}`;
    return { 'content-security-policy': contentSecurityPolicy([origin.replace(/^http/, 'ws')]), ...fixed };
  };
  let latest = { host: '', headers: made('') };
  const headersOf = (host: string) => {
    if (host !== latest.host) latest = { host, headers: made(host) };
    return latest.headers;
  };
  app.addHook('onSend', async (request, reply) => {
    reply.headers(headersOf(request.host));
  });
  return headersOf;
}

/** A Host header is the caller's text: only a name and a port may get into the policy. */
function safeHost(host: string): string {
  return /^[\w.:[\]-]{1,255}$/.test(host) ? host : 'invalid';
}
