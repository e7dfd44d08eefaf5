// Key pairs as ssh-keygen makes them, for accounts and for hosts, kept in a folder.
import { generateKeyPair } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ssh2 from 'ssh2';

export type SshKeyKind = 'ed25519' | 'ecdsa' | 'rsa' | 'rsa-pem';

export type SshKeyPair = {
  readonly kind: SshKeyKind;
  /** OpenSSH format, or PEM for `rsa-pem`. */
  readonly privateKey: string;
  /** One line: type and base64. */
  readonly publicKey: string;
  readonly file: string;
};

type Pair = { readonly private: string; readonly public: string };

/** The pair of that name in `folder`; made when missing, or when an earlier version kept one that nobody can read. */
export async function keptKeyPair(
  folder: string,
  name: string,
  kind: SshKeyKind,
  passphrase?: string,
): Promise<SshKeyPair> {
  const file = join(folder, name);
  if (!existsSync(`${file}.pub`) || !isWhole(readFileSync(`${file}.pub`, 'utf8'))) {
    const made = await newKeyPair(kind, passphrase);
    writeFileSync(file, made.private, { mode: 0o600 });
    writeFileSync(`${file}.pub`, `${made.public}\n`);
  }
  const publicKey = readFileSync(`${file}.pub`, 'utf8').trim();
  return { kind, privateKey: readFileSync(file, 'utf8'), publicKey, file };
}

/**
 * ssh2 takes zeros at the front of an Ed25519 public key for padding and drops them: one pair in 256 is a byte short,
 * and no program reads it. Such a pair is left for another.
 */
export async function newKeyPair(kind: SshKeyKind, passphrase?: string): Promise<Pair> {
  for (;;) {
    const made = await makeKeyPair(kind, passphrase);
    if (isWhole(made.public)) return made;
  }
}

function isWhole(publicKey: string): boolean {
  return !(ssh2.utils.parseKey(publicKey) instanceof Error);
}

/** Off the main thread: a demo starts its server meanwhile. */
function makeKeyPair(kind: SshKeyKind, passphrase?: string): Promise<Pair> {
  if (kind === 'rsa-pem') return makePemPair(passphrase);
  const bits = { ed25519: 256, ecdsa: 256, rsa: 2048 }[kind];
  const plain = { bits };
  const locked = passphrase === undefined ? plain : { bits, passphrase, cipher: 'aes256-ctr', rounds: 16 };
  return new Promise((resolve, reject) => {
    ssh2.utils.generateKeyPair(kind, locked, (error, pair) => (error ? reject(error) : resolve(pair)));
  });
}

/** The form that older tools wrote and many vaults still hold. */
async function makePemPair(passphrase?: string): Promise<Pair> {
  const locked = passphrase === undefined ? {} : { cipher: 'aes-128-cbc', passphrase };
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem', ...locked },
  });
  const parsed = ssh2.utils.parseKey(privateKey, passphrase);
  if (parsed instanceof Error) throw parsed;
  return { private: privateKey, public: `${parsed.type} ${parsed.getPublicSSH().toString('base64')}` };
}
