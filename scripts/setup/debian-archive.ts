// Packages of Debian, unpacked into a folder: needs no root, installs nothing on the system and leaves its apt as it is.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOutput } from '../process/command-output.ts';

export type ArchiveRequest = {
  readonly packages: readonly string[];
  /** An older release to take from what this release does not have. */
  readonly olderRelease: string;
  /** Dependencies to leave out. */
  readonly withheld: readonly string[];
  readonly target: string;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
};

type Sources = { readonly release: string; readonly main: string; readonly security: string | null };

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Unpacks the packages, and those of their dependencies that the system lacks, into `target`. Takes them from where
 * this machine's own apt gets Debian. Throws when that is not a Debian, or the packages cannot be had there.
 */
export async function unpackFromArchive(request: ArchiveRequest): Promise<void> {
  const sources = await findSources(request.signal);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-apt-'));
  try {
    await download(request, sources, folder);
    for (const file of archives(folder))
      await commandOutput(['dpkg-deb', '-x', file, request.target], request);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `apt-get update --print-uris` answers also before the first update, and for both forms of source files. */
async function findSources(signal?: AbortSignal): Promise<Sources> {
  const release = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  const printed = await commandOutput(['apt-get', 'update', '--print-uris', '-o', 'Debug::NoLocking=1'], {
    signal,
  });
  const address = (suite: string): string | null =>
    printed
      .split('\n')
      .map((line) => new RegExp(`^'(.*)/dists/${suite}/InRelease'`).exec(line)?.[1])
      .find((found) => found !== undefined) ?? null;
  const main = address(release);
  if (main === null)
    throw new Error(`this machine's apt has no source for Debian ${release || '(unknown release)'}`);
  return { release, main, security: address(`${release}-security`) };
}

/** A release's security index may name files that its mirror no longer has: then the release alone must do. */
async function download(request: ArchiveRequest, sources: Sources, folder: string): Promise<void> {
  prepare(request, folder);
  const { olderRelease: older, log, signal } = request;
  try {
    await downloadFrom([older, `${older}-security`], request, sources, folder);
  } catch (error) {
    signal?.throwIfAborted();
    log(`trying again without ${older}-security: ${error instanceof Error ? error.message : String(error)}`);
    await downloadFrom([older], request, sources, folder);
  }
}

async function downloadFrom(
  suites: string[],
  request: ArchiveRequest,
  sources: Sources,
  folder: string,
): Promise<void> {
  writeFileSync(join(folder, 'sources.list'), sourceLines(suites, sources));
  const apt = (...args: string[]): Promise<string> =>
    commandOutput(['apt-get', '-q', ...aptOptions(folder), ...args], {
      folder: join(folder, 'archives'),
      environment: { ...process.env, LC_ALL: 'C' },
      signal: request.signal,
    });
  request.log(`reading the package lists of ${sources.release} and ${suites.join(', ')}`);
  await apt('update');
  const plan = await apt('-s', '--no-install-recommends', 'install', ...request.packages);
  const wanted = plannedPackages(plan);
  request.log(`downloading ${wanted.length} packages`);
  archives(folder).forEach((file) => rmSync(file));
  await apt('download', ...wanted);
}

/** Lines of a simulation: `Inst name (version suite [arch])`, with `[old version]` before the bracket on an upgrade. */
export function plannedPackages(plan: string): string[] {
  return [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)].map(
    ([, name, version]) => `${name}=${version}`,
  );
}

function sourceLines(suites: string[], { release, main, security }: Sources): string {
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  const all = [release, ...(security === null ? [] : [`${release}-security`]), ...suites];
  return [...new Set(all)]
    .map((suite) => ({ suite, address: suite.endsWith('-security') ? security : main }))
    .map(({ suite, address }) => (address === null ? '' : `deb ${signed}${address} ${suite} main\n`))
    .join('');
}

/** Everything apt writes lies in `folder`; the older release is a last resort; withheld packages count as installed. */
function prepare({ olderRelease, withheld }: ArchiveRequest, folder: string): void {
  ['lists/partial', 'archives/partial'].forEach((name) => mkdirSync(join(folder, name), { recursive: true }));
  writeFileSync(
    join(folder, 'preferences'),
    `Package: *\nPin: release n=${olderRelease}*\nPin-Priority: 100\n`,
  );
  writeFileSync(join(folder, 'status'), statusWithout(withheld));
}

function statusWithout(withheld: readonly string[]): string {
  const blocks = readFileSync('/var/lib/dpkg/status', 'utf8').split(/\n\n+/);
  const kept = blocks.filter((block) => !withheld.some((name) => block.startsWith(`Package: ${name}\n`)));
  const standIns = withheld.map(
    (name) =>
      `Package: ${name}\nStatus: install ok installed\nMaintainer: none\n` +
      `Architecture: all\nVersion: 99\nDescription: stand-in\n`,
  );
  return (
    [...kept, ...standIns]
      .map((block) => block.trim())
      .filter(Boolean)
      .join('\n\n') + '\n'
  );
}

function aptOptions(folder: string): string[] {
  const settings = {
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': join(folder, 'preferences'),
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': folder,
    'Dir::Cache::Archives': join(folder, 'archives'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

function archives(folder: string): string[] {
  return readdirSync(join(folder, 'archives'))
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(folder, 'archives', name));
}
