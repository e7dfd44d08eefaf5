type Exclusive = <T>(name: string, task: () => Promise<T>) => Promise<T>;

/** One task of a name at a time within this process: for scripts, tests, and platforms without Web Locks. */
export function inTurn(): Exclusive {
  const last = new Map<string, Promise<unknown>>();
  return (name, task) => {
    const result = (last.get(name) ?? Promise.resolve()).then(task, task);
    last.set(
      name,
      result.catch(() => undefined), // told to its caller; the next task has its own try
    );
    return result;
  };
}

/** One task of a name at a time across every tab of the origin. */
export function acrossTabs(locks: LockManager): Exclusive {
  return async (name, task) => await locks.request(`sallyport-${name}`, task);
}
