import { systemClock } from './engine/clock.ts';
import type { Environment } from './engine/environment.ts';
import { inTurn } from './engine/exclusive.ts';
import { noTabs } from './engine/tabs.ts';
import { MemoryStorage } from './storage/memory.ts';
import { webTransport } from './transport/web.ts';

/** An engine's surroundings where there is one engine and nothing is kept: scripts, command lines, tests. */
export function plainEnvironment(origin: string, changes: Partial<Environment> = {}): Environment {
  return {
    origin,
    storage: new MemoryStorage(),
    transport: webTransport,
    clock: systemClock,
    deviceName: 'Sallyport script',
    exclusive: inTurn(),
    tabs: noTabs,
    warn: () => {},
    ...changes,
  };
}
