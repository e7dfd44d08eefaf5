// What a demo remembers from one start to the next: its sign-in and the ports that its records and browsers know.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type DemoState = {
  readonly email: string;
  readonly password: string;
  readonly port: number;
  readonly sshPort: number;
};

const fileName = 'demo.json';

/** The state kept in `folder`, `null` before the first start. */
export function readState(folder: string): DemoState | null {
  const file = join(folder, fileName);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as DemoState) : null;
}

/** Whole or not at all, and for its owner only: the password is in it. */
export function writeState(folder: string, state: DemoState): void {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const file = join(folder, fileName);
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** A sign-in that nobody can guess; the demo listens on loopback, but so does every other user's browser. */
export function newSignIn(): Pick<DemoState, 'email' | 'password'> {
  return { email: 'demo@sallyport.example', password: randomBytes(15).toString('base64url') };
}

/** Throws the data away. Only a demo's own folder: a mistyped name must not cost anything else. */
export function resetState(folder: string): void {
  if (!existsSync(folder)) return;
  if (!existsSync(join(folder, fileName)))
    throw new Error(`${folder} is not the folder of a demo: it has no ${fileName}`);
  rmSync(folder, { recursive: true });
}
