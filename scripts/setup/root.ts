/** Throws when this is not root, saying what needs it and how to go on: nobody is asked for a password from within. */
export function requireRoot(command: string, reason: string): void {
  if (process.getuid?.() === 0) return;
  throw new Error(`${reason}, which needs root. Run it as root:\n  sudo ${command}`);
}
