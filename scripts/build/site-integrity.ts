// What a built vault is made of, as hashes: in the page for the browser (SRI), in a list for people who build it themselves.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The list of a build, in its folder and published with it. */
export const hashList = 'hashes.json';

/** SHA-384 in base64 of every file, by its path in the site. Compressed copies are the same files. */
export type SiteHashes = Readonly<Record<string, string>>;

const compressed = /\.(gz|br)$/;

/** Of a built site. */
export function hashSite(folder: string): SiteHashes {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !compressed.test(path) && path !== hashList)
    .sort();
  return Object.fromEntries(files.map((path) => [path, hashOf(readFileSync(join(folder, path)))]));
}

/** Adds `integrity` to every script and style sheet that the page names, and writes the list of all files. */
export function sealSite(folder: string): SiteHashes {
  const page = join(folder, 'index.html');
  const files = hashSite(folder);
  writeFileSync(page, withIntegrity(readFileSync(page, 'utf8'), files));
  const hashes = hashSite(folder);
  writeFileSync(join(folder, hashList), `${JSON.stringify(hashes, null, 2)}\n`);
  return hashes;
}

/** Throws when the page names a file that the site does not have. */
function withIntegrity(html: string, files: SiteHashes): string {
  return html.replace(
    /<(script|link)\b[^>]*?\b(src|href)="\/([^"]+\.(?:js|css))"/g,
    (tag, _kind, _name, path) => {
      const hash = files[path];
      if (hash === undefined) throw new Error(`the page names ${path}, which was not built`);
      return `${tag} integrity="sha384-${hash}"`;
    },
  );
}

/** What a served site has other than a build: files that differ, and files that are missing. */
export function compareSites(built: SiteHashes, served: Readonly<Record<string, string | null>>): string[] {
  return Object.entries(built).flatMap(([path, hash]) => {
    const given = served[path] ?? null;
    if (given === null) return [`${path} is missing`];
    return given === hash ? [] : [`${path} is another file`];
  });
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha384').update(bytes).digest('base64');
}
