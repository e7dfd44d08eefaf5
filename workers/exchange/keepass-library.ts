import * as namespace from 'kdbxweb';

/** The KeePass library: a CommonJS package, of which Node puts all under `default` and a bundler beside it. */
export const kdbx: typeof namespace = wholeOf(namespace);

function wholeOf(loaded: object): typeof namespace {
  return ('default' in loaded ? loaded.default : loaded) as typeof namespace;
}
