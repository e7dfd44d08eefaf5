// Before each file of tests: what is waited for may take as long on a busy machine as it does.
import { vi } from 'vitest';

const waitFor = vi.waitFor;

/** Vitest gives up after a second, and has no setting for that. */
vi.waitFor = (callback, options = {}) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: 60_000, ...options });
