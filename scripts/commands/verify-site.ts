// Whether a server gives browsers the very files that these sources build.
import { join } from 'node:path';
import { compareSites, hashList, hashOf, hashSite } from '../build/site-integrity.ts';
import { provideWeb } from '../build/web.ts';
import { runCommand, type CommandScope } from '../process/command.ts';
import { root } from '../process/tool.ts';

await runCommand(async (scope) => {
  const address = process.argv[2];
  if (address === undefined || !URL.canParse(address)) {
    scope.progress.say('say which: npm run verify-site -- https://vault.example');
    return 2;
  }
  await provideWeb(scope);
  const built = hashSite(join(root, 'dist/web'));
  const served = await scope.progress.step(`fetching ${Object.keys(built).length} files`, () =>
    fetchAll(new URL(address), Object.keys(built), scope),
  );
  const differences = compareSites(built, served);
  for (const difference of differences) scope.progress.say(difference);
  scope.progress.say(
    differences.length === 0
      ? 'the server gives exactly what these sources build'
      : `not what these sources build (of another version? compare with its ${hashList})`,
  );
  return differences.length === 0 ? 0 : 1;
});

/** Null for what is not there. A browser asks for the same addresses. */
async function fetchAll(
  server: URL,
  paths: readonly string[],
  { signal }: CommandScope,
): Promise<Readonly<Record<string, string | null>>> {
  const entries = paths.map(async (path) => {
    const address = new URL(path === 'index.html' ? '/' : `/${path}`, server);
    const answer = await fetch(address, { signal, redirect: 'error' });
    return [path, answer.ok ? hashOf(new Uint8Array(await answer.arrayBuffer())) : null] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
