import type { Endpoint } from 'comlink';

/**
 * The side of an endpoint that answers calls of these verbs, and comlink's release, and nothing else. Left to itself
 * comlink reads, sets, calls and constructs along any path: a script in the page could reach the prototypes of the
 * worker that holds the keys. What is refused is answered with `not-allowed`.
 */
export function verbEndpoint(endpoint: Endpoint, verbs: ReadonlySet<string>): Endpoint {
  type Listener = Parameters<Endpoint['addEventListener']>[1];
  const guarded = new Map<Listener, (event: Event) => void>();
  return {
    postMessage: (message, transfer) => endpoint.postMessage(message, transfer),
    addEventListener: (type, listener, options) => {
      const guard = (event: Event) => {
        const data: unknown = 'data' in event ? event.data : null;
        if (!isCall(data, verbs)) refuse(endpoint, data);
        else if (typeof listener === 'function') listener.call(endpoint, event);
        else listener.handleEvent(event);
      };
      guarded.set(listener, guard);
      endpoint.addEventListener(type, guard, options);
    },
    removeEventListener: (type, listener, options) => {
      endpoint.removeEventListener(type, guarded.get(listener) ?? listener, options);
      guarded.delete(listener);
    },
    ...(endpoint.start && { start: endpoint.start.bind(endpoint) }),
  };
}

function isCall(data: unknown, verbs: ReadonlySet<string>): boolean {
  if (!isObject(data)) return false;
  const { type, path = [], argumentList = [] } = data;
  if (!Array.isArray(path) || !Array.isArray(argumentList)) return false;
  if (type === 'RELEASE') return path.length === 0 && argumentList.length === 0;
  const [verb, ...further] = path as unknown[];
  return (
    type === 'APPLY' &&
    typeof verb === 'string' &&
    verbs.has(verb) &&
    further.length === 0 &&
    argumentList.every(isArgument)
  );
}

/** A value, or a function of the page's to be called back. */
function isArgument(argument: unknown): boolean {
  if (!isObject(argument)) return false;
  const { type, name, value } = argument;
  return type === 'RAW' || (type === 'HANDLER' && name === 'proxy' && value instanceof MessagePort);
}

/** As comlink says that a call threw. */
function refuse(endpoint: Endpoint, data: unknown): void {
  const id = isObject(data) ? data['id'] : null;
  if (typeof id !== 'string') return;
  const error = { name: 'not-allowed', message: 'the vault has no such verb', stack: '' };
  endpoint.postMessage({ id, type: 'HANDLER', name: 'throw', value: { isError: true, value: error } });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
