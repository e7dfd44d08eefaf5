/** What crosses to a worker by other ways than being copied. */
const passed = [ReadableStream, WritableStream];

/**
 * Verbs that take what a worker could be told: an argument that a message cannot carry (a state of Svelte, for one)
 * rejects, as it does in a browser.
 */
export function likeWorker<Verbs extends object>(verbs: Verbs): Verbs {
  return new Proxy(verbs, {
    get(target, name, receiver) {
      const verb: unknown = Reflect.get(target, name, receiver);
      if (typeof verb !== 'function') return verb;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        for (const argument of args) if (!isPassed(argument)) structuredClone(argument);
        return await Reflect.apply(verb, target, args);
      };
    },
  });
}

function isPassed(argument: unknown): boolean {
  return typeof argument === 'function' || passed.some((kind) => argument instanceof kind);
}
