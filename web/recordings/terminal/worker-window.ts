// The terminal looks in `window` for what its platform can do; a worker has none by that name.
Object.assign(globalThis, { window: globalThis });
