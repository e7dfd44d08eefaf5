// A real guacd on this machine: the one it has, or Debian 11's in a folder of the project's own.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackFromArchive } from './debian-archive.ts';

const everyProtocol = ['ssh', 'telnet', 'vnc', 'rdp'] as const;
export type GuacdProtocol = (typeof everyProtocol)[number];

export type GuacdProgram = {
  readonly file: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where it was unpacked, and in there its libraries as in the system's root; null: it is the system's own. */
  readonly unpacked: { readonly folder: string; readonly libraries: string } | null;
};

export type GuacdRequest = {
  readonly folder: string;
  readonly protocols?: readonly GuacdProtocol[];
  readonly log?: (line: string) => void;
  /** Ends the set-up or the start, not what has started. */
  readonly signal?: AbortSignal | undefined;
};

/** Debian 12 has no guacd; Debian 11's runs on it with two libraries of its own. */
const olderRelease = 'bullseye';
/** Only for printing to PDF, and 60 MB with its fonts. */
const withheld = ['ghostscript'];
const systemProgram = '/usr/sbin/guacd';

/**
 * The guacd to start: the system's own if installed, else one unpacked into `folder` (about ten seconds the first
 * time, nothing after that). Needs no root.
 */
export async function provideGuacd(request: GuacdRequest): Promise<GuacdProgram> {
  if (existsSync(systemProgram)) return { file: systemProgram, environment: {}, unpacked: null };
  if (!isUnpacked(request)) await unpack(request);
  return unpackedProgram(request.folder);
}

/** A second call finds the stamp and does nothing; the folder's own name is in it because fonts.conf holds paths. */
function stamp({ folder, protocols = everyProtocol }: GuacdRequest): string {
  return JSON.stringify({
    recipe: 2,
    folder,
    olderRelease,
    protocols: [...protocols].sort(),
    arch: process.arch,
  });
}

function isUnpacked(request: GuacdRequest): boolean {
  const file = join(request.folder, 'stamp.json');
  return existsSync(file) && readFileSync(file, 'utf8') === stamp(request);
}

async function unpack(request: GuacdRequest): Promise<void> {
  const { folder, protocols = everyProtocol, log = () => undefined, signal } = request;
  const target = `${folder}.${process.pid}.unfinished`;
  mkdirSync(target, { recursive: true });
  try {
    const packages = ['guacd', 'fonts-dejavu-core', ...protocols.map((name) => `libguac-client-${name}0`)];
    log('fetching guacd from the Debian archive');
    await unpackFromArchive({ packages, olderRelease, withheld, target, log, signal });
    writeFileSync(join(target, 'fonts.conf'), fontConfiguration(folder));
    writeFileSync(join(target, 'stamp.json'), stamp(request));
    if (isUnpacked(request)) return rmSync(target, { recursive: true }); // by another process meanwhile
    rmSync(folder, { recursive: true, force: true });
    renameSync(target, folder);
  } catch (error) {
    rmSync(target, { recursive: true, force: true });
    throw new Error('cannot get guacd: install it, or set GUACD_HOST and GUACD_PORT to a running one', {
      cause: error,
    });
  }
}

/** guacd's terminals refuse to start without a monospace font, and no package's own script has run here. */
function fontConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>/usr/share/fonts</dir>
  <dir>${folder}/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias binding="same"><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
`;
}

function unpackedProgram(folder: string): GuacdProgram {
  const libraries = readdirSync(join(folder, 'usr/lib')).find((name) => name.endsWith('-linux-gnu')) ?? '';
  const paths = [`usr/lib/${libraries}`, `lib/${libraries}`, `usr/lib/${libraries}/pulseaudio`];
  return {
    file: join(folder, 'usr/sbin/guacd'),
    environment: {
      LD_LIBRARY_PATH: paths.map((path) => join(folder, path)).join(':'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
    unpacked: { folder, libraries: `usr/lib/${libraries}` },
  };
}
