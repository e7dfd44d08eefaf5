// Class 30, seen from the page: a script that was injected there speaks to the worker that holds the keys. It reaches the
// vault's verbs, which ask for what they ask for, and nothing that comlink could find along a path.
import { expose, proxy, wrap, type Endpoint } from 'comlink';
import { afterEach, expect, test } from 'vitest';
import { verbEndpoint } from '../../workers/verb-endpoint.ts';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

const engine = {
  secret: 'of the worker',
  double: (number: number) => Promise.resolve(2 * number),
  watch: async (listener: (text: string) => Promise<void>) => await listener('told'),
  close: () => Promise.resolve('closed'),
};

/** The page's end of a worker with two verbs. */
function page(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  expose(engine, verbEndpoint(port2 as Endpoint, new Set(['double', 'watch'])));
  port1.start();
  return port1;
}

async function answerTo(message: object): Promise<unknown> {
  const port = page();
  const { promise, resolve } = Promise.withResolvers<unknown>();
  port.addEventListener('message', ({ data }) => resolve(data));
  port.postMessage({ id: '1', ...message });
  return await promise;
}

const raw = (value: unknown) => ({ type: 'RAW', value });
const refused = { type: 'HANDLER', name: 'throw', value: { value: { name: 'not-allowed' } } };

test('verbs answer, and call back', async () => {
  const remote = wrap<typeof engine>(page() as Endpoint);
  expect(await remote.double(21)).toBe(42);
  const { promise, resolve } = Promise.withResolvers<string>();
  await remote.watch(proxy((text: string) => Promise.resolve(resolve(text))));
  expect(await promise).toBe('told');
});

test('nothing is set: the prototypes stay as they are', async () => {
  const path = ['constructor', 'prototype', 'polluted'];
  expect(await answerTo({ type: 'SET', path, value: raw('yes') })).toMatchObject(refused);
  expect('polluted' in {}).toBe(false);
});

test.each([
  ['read', { type: 'GET', path: ['secret'] }],
  ['made', { type: 'CONSTRUCT', path: ['double', 'constructor'], argumentList: [raw('return 1')] }],
  ['exposed once more', { type: 'ENDPOINT' }],
  ['called along a path', { type: 'APPLY', path: ['double', 'constructor', 'constructor'] }],
  ['called on the engine itself', { type: 'APPLY', path: [] }],
  ['called that is inherited', { type: 'APPLY', path: ['toString'] }],
  ['called that is no verb', { type: 'APPLY', path: ['close'] }],
  ['named by what is no text', { type: 'APPLY', path: [['double']] }],
  [
    'given as a handler of another kind',
    { type: 'APPLY', path: ['double'], argumentList: [{ type: 'HANDLER', name: 'throw' }] },
  ],
])('nothing is %s', async (_, message) => {
  expect(await answerTo(message)).toMatchObject(refused);
});

test('release ends it', async () => {
  expect(await answerTo({ type: 'RELEASE' })).toMatchObject({ id: '1', type: 'RAW' });
});
