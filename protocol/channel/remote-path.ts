import { concat, copy, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';

/** Paths of machines are bytes between slashes, in whatever encoding the machine has. protocol.md §27.2 */
const slash = 0x2f;
const dot = 0x2e;

/** The path, if it is absolute and says where it leads: no empty part, no `.` or `..`, no NUL. Throws `malformed`. */
export function parseRemotePath(path: Uint8Array): Bytes {
  if (path.length > limits.remoteFiles.path || path[0] !== slash) throw misplaced();
  if (path.length === 1) return copy(path);
  let from = 1;
  for (let at = 1; at <= path.length; at++) {
    if (at < path.length && path[at] !== slash) continue;
    checkPart(path.subarray(from, at));
    from = at + 1;
  }
  return copy(path);
}

/** A name that something may be given: 1 to 255 bytes. Throws `malformed`. */
export function parseRemoteName(name: Uint8Array): Bytes {
  if (name.length > limits.remoteFiles.name || name.includes(slash)) throw misplaced();
  checkPart(name);
  return copy(name);
}

/** The path of what has that name in a folder. */
export function joinRemotePath(folder: Uint8Array, name: Uint8Array): Bytes {
  const root = folder.length === 1 && folder[0] === slash;
  return root ? concat(folder, name) : concat(folder, new Uint8Array([slash]), name);
}

/** The folder that it is in, and its name there; null for `/`. */
export function splitRemotePath(path: Uint8Array): { readonly folder: Bytes; readonly name: Bytes } | null {
  if (path.length < 2) return null;
  const at = path.lastIndexOf(slash);
  return { folder: copy(path.subarray(0, Math.max(1, at))), name: copy(path.subarray(at + 1)) };
}

function checkPart(part: Uint8Array): void {
  const dots = part.length <= 2 && part.every((byte) => byte === dot);
  if (dots || part.includes(0)) throw misplaced(); // an empty part, `.` and `..`
}

function misplaced(): ProtocolError {
  return new ProtocolError('malformed', 'not a path or name of a machine');
}
