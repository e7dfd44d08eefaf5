import { expose, transfer } from 'comlink';
import { deviceNameOf } from './device-name.ts';
import { createVaultEngine } from './engine/engine.ts';
import { acrossTabs, inTurn } from './engine/exclusive.ts';
import { tabsOn } from './engine/tabs.ts';
import { plainEnvironment } from './plain-environment.ts';
import { IndexedDbStorage } from './storage/indexed-db.ts';
import { verbEndpoint } from './verb-endpoint.ts';

// The Web Worker around the engine. Errors cross as name, message and stack; the name is the code.
const engine = createVaultEngine(
  plainEnvironment(location.origin, {
    storage: new IndexedDbStorage(),
    deviceName: deviceNameOf(navigator.userAgent),
    exclusive: 'locks' in navigator ? acrossTabs(navigator.locks) : inTurn(),
    tabs: tabsOn(new BroadcastChannel('sallyport-locked')),
    // Without a secret by contract, and the only place where a developer can see them.
    warn: (message) => console.warn(message), // eslint-disable-line no-console
  }),
);

// Nothing of this worker adds to them: what does is not of this worker.
for (const { prototype } of [Object, Function, Array]) Object.preventExtensions(prototype);

const handing: typeof engine = {
  ...engine,
  // Up to a mebibyte each time, which is not copied.
  readRecordingPicture: async (input) => {
    const picture = await engine.readRecordingPicture(input);
    const { atMs, ends, kinds, bytes } = picture;
    return transfer(picture, [atMs.buffer, ends.buffer, kinds.buffer, bytes.buffer]);
  },
};

const verbs = Object.keys(engine).filter((name) => name !== 'close');
expose(handing, verbEndpoint(globalThis, new Set(verbs)));
