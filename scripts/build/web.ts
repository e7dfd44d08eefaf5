// The built web vault in dist/web, made again only when something it is made of has changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandScope } from '../process/command.ts';
import { root, runTool } from '../process/tool.ts';

/** Everything that ends up in the built files, or decides how they are built. */
const sources = ['web', 'workers', 'protocol', 'vite.config.ts', 'scripts/build', 'package-lock.json'];
const target = join(root, 'dist/web');
const stampFile = join(root, 'dist/web.stamp');

/** Builds when there is no build of these very sources, or when `force` says so. */
export async function provideWeb(
  { signal, progress }: Pick<CommandScope, 'signal' | 'progress'>,
  force = false,
): Promise<void> {
  const wanted = sourceHash();
  if (!force && existsSync(target) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted)
    return;
  await progress.step('building the web vault', () => build(signal));
  writeFileSync(stampFile, wanted);
}

/** Into a folder beside it first: a server that runs never sees half a build. */
async function build(signal: AbortSignal): Promise<void> {
  const fresh = `${target}.${process.pid}.new`;
  const old = `${target}.${process.pid}.old`;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const said: string[] = [];
  const args = [
    'build',
    '--configLoader',
    'native',
    '--logLevel',
    'warn',
    '--outDir',
    fresh,
    '--emptyOutDir',
  ];
  try {
    const code = await runTool('vite', args, { signal, line: (line) => said.push(line) });
    if (code !== 0) throw new Error(`the web vault cannot be built:\n${said.join('\n')}`);
    if (existsSync(target)) renameSync(target, old);
    renameSync(fresh, target);
  } finally {
    [fresh, old].forEach((folder) => rmSync(folder, { recursive: true, force: true }));
  }
}

function sourceHash(): string {
  const hash = createHash('sha256');
  for (const file of sources.flatMap(filesOf).sort())
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function filesOf(path: string): string[] {
  if (path.includes('.')) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tsbuildinfo'))
    .map((entry) => join(entry.parentPath.slice(root.length + 1), entry.name));
}
