import { rename, rmdir, unlink } from 'node:fs/promises';
import type { HeldFolder } from './held-folder.ts';
import { systemCode, within } from './held-folder.ts';

/** Somebody may go on writing into what is removed; so often it is emptied anew. */
const mostPasses = 64;

/**
 * Removes what has that name in the folder, with all that is in it. No link is followed, and any depth takes two
 * descriptors: a folder in a folder is moved up before its own turn comes. Throws what the system says.
 */
export async function removeAll(top: HeldFolder, name: Buffer): Promise<void> {
  const waiting = [name];
  let moved = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const inner = await emptied(top, next, () => Buffer.concat([name, Buffer.from(`.${++moved}`)]));
    waiting.push(...inner);
  }
}

/** Removes it, but for the folders in it, which get other names in the top folder. Gives those. */
async function emptied(top: HeldFolder, name: Buffer, nextName: () => Buffer): Promise<readonly Buffer[]> {
  const moved: Buffer[] = [];
  for (let passes = 1; ; passes++) {
    try {
      await within(top.enter(name), (folder) => emptyInto(top, folder, moved, nextName));
      await rmdir(top.at(name));
      return moved;
    } catch (error) {
      const code = systemCode(error);
      if (code === 'ENOENT') return moved;
      if (code === 'ENOTDIR') {
        await unlink(top.at(name)).catch(unlessGone);
        return moved;
      }
      if (code !== 'ENOTEMPTY' || passes === mostPasses) throw error;
    }
  }
}

async function emptyInto(
  top: HeldFolder,
  folder: HeldFolder,
  moved: Buffer[],
  nextName: () => Buffer,
): Promise<void> {
  for await (const entry of await folder.entries()) {
    const path = folder.at(entry.name);
    if (!entry.isDirectory()) {
      await unlink(path).catch(unlessGone);
      continue;
    }
    const name = nextName();
    await rename(path, top.at(name)).then(() => moved.push(name), unlessGone);
  }
}

function unlessGone(error: unknown): void {
  if (systemCode(error) !== 'ENOENT') throw error;
}
