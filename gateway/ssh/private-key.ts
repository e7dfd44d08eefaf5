import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import { readKeyText } from './key-text.ts';
import type { KeyText } from './key-text.ts';

/** A private key text longer than this is no key: RSA with 16384 bits takes 13 KiB. */
const maxKeyText = 64 * 1024;
/** bcrypt with ssh-keygen -a 256 takes six seconds on a slow machine. */
const unlockMs = 20_000;

/**
 * Reads a private key and unlocks it in a thread of its own when it is encrypted. Gives the text that ssh2 takes.
 * Throws `key-unreadable` or `passphrase-wrong`; the message never says more than that.
 */
export async function readPrivateKey(
  source: string,
  passphrase: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (source.length > maxKeyText) throw unreadable();
  const direct = readKeyText(source);
  if ('text' in direct) return direct.text;
  if (direct.problem === 'unreadable') throw unreadable();
  if (passphrase === undefined || passphrase === '') throw wrong('the private key needs a passphrase');
  const unlocked = await unlock(source, passphrase, signal);
  if ('text' in unlocked) return unlocked.text;
  throw wrong('the passphrase does not fit the private key');
}

async function unlock(source: string, passphrase: string, owner: AbortSignal): Promise<KeyText> {
  const worker = new Worker(new URL('./key-worker.ts', import.meta.url), {
    workerData: { source, passphrase },
  });
  try {
    const [answer] = await withDeadline(unlockMs, owner, unreadable, (signal) =>
      once(worker, 'message', { signal }),
    );
    return answer as KeyText;
  } finally {
    await worker.terminate();
  }
}

function unreadable(): SessionFailure {
  return new SessionFailure('login', 'key-unreadable', 'the private key cannot be read');
}

function wrong(message: string): SessionFailure {
  return new SessionFailure('login', 'passphrase-wrong', message);
}
