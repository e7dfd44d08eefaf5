// The server's own secrets. They live beside the store, not in it: a stolen database alone opens nothing.
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ready, server as opaque } from '@serenity-kit/opaque';
import { decodeBase64, encodeBase64, type Bytes } from '../../protocol/bytes.ts';
import { syncFolder } from '../store/postgres-folders.ts';
import { ecdhPublicKey, generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import type { ServerPrivateKey } from '../../protocol/transmission/server-keys.ts';

export interface RingKey extends ServerPrivateKey {
  /** 0 while current. */
  readonly expiresAt: number;
}

export interface KeyFile {
  /** Of the key set: only rises. */
  readonly version: number;
  /** Long-lived P-256 key that clients pin. */
  readonly identityKey: Bytes;
  /** Current key first. */
  readonly ring: readonly RingKey[];
  /** OPAQUE's server set-up: losing it locks every account out. */
  readonly opaqueSetup: string;
  /** Seals the secrets of authenticator apps and keys the hashes of backup codes in the store. 32 bytes. */
  readonly secondFactorKey: Bytes;
  /** Of the addresses at which applications fetch and send files. 32 bytes. */
  readonly fileTicketKey: Bytes;
}

interface StoredFile {
  readonly version: number;
  readonly identityKey: string;
  readonly opaqueSetup: string;
  /** Missing in files of former versions, both. */
  readonly secondFactorKey?: string;
  readonly fileTicketKey?: string;
  readonly ring: readonly { readonly id: number; readonly privateKey: string; readonly expiresAt: number }[];
}

// Its WebAssembly makes the set-up of a new file.
await ready;

/** Secrets-manager clients have keys with smaller ids built in (secrets-manager-protocol.md §13). */
const firstKeyId = 20;
/** Clients that are asleep for a month come back to a key that still works. */
const overlapMs = 30 * 24 * 60 * 60_000;

const pathIn = (dataFolder: string) => join(dataFolder, 'server-keys.json');

/** Reads the key file, or makes it on the first start. Throws when others may read it. */
export function loadKeyFile(dataFolder: string): KeyFile {
  const path = pathIn(dataFolder);
  if (!existsSync(path)) writeKeyFile(dataFolder, newKeyFile());
  if ((statSync(path).mode & 0o077) !== 0)
    throw new Error(`${path} must be readable by its owner alone (chmod 600)`);
  const text = readFileSync(path, 'utf8');
  const file = decodeKeyFile(text);
  if (!['"secondFactorKey"', '"fileTicketKey"'].every((key) => text.includes(key)))
    writeKeyFile(dataFolder, file);
  return file;
}

/** A new current key; the former one stays until its expiry, and expired ones go. */
export function rotateKeys(dataFolder: string, now: number): KeyFile {
  const file = loadKeyFile(dataFolder);
  const kept = file.ring
    .map((key) => (key.expiresAt === 0 ? { ...key, expiresAt: now + overlapMs } : key))
    .filter((key) => key.expiresAt > now);
  const nextId = Math.max(...file.ring.map((key) => key.id)) + 1;
  const rotated = { ...file, version: file.version + 1, ring: [newRingKey(nextId), ...kept] };
  writeKeyFile(dataFolder, rotated);
  return rotated;
}

function newKeyFile(): KeyFile {
  return {
    version: 1,
    identityKey: generateEcdhKeyPair().privateKey,
    ring: [newRingKey(firstKeyId)],
    opaqueSetup: opaque.createSetup(),
    secondFactorKey: randomBytes(32),
    fileTicketKey: randomBytes(32),
  };
}

function newRingKey(id: number): RingKey {
  return { id, ...generateEcdhKeyPair(), expiresAt: 0 };
}

function decodeKeyFile(text: string): KeyFile {
  const { version, identityKey, opaqueSetup, secondFactorKey, fileTicketKey, ring }: StoredFile =
    JSON.parse(text);
  return {
    version,
    identityKey: decodeBase64(identityKey),
    opaqueSetup,
    secondFactorKey: secondFactorKey ? decodeBase64(secondFactorKey) : randomBytes(32),
    fileTicketKey: fileTicketKey ? decodeBase64(fileTicketKey) : randomBytes(32),
    ring: ring.map(({ id, privateKey, expiresAt }) => {
      const bytes = decodeBase64(privateKey);
      return { id, expiresAt, privateKey: bytes, publicKey: ecdhPublicKey(bytes) };
    }),
  };
}

/** Whole or not at all, and on the disk before anyone gets to see a public half. */
function writeKeyFile(dataFolder: string, file: KeyFile): void {
  const stored: StoredFile = {
    version: file.version,
    identityKey: encodeBase64(file.identityKey),
    opaqueSetup: file.opaqueSetup,
    secondFactorKey: encodeBase64(file.secondFactorKey),
    fileTicketKey: encodeBase64(file.fileTicketKey),
    ring: file.ring.map(({ id, privateKey, expiresAt }) => ({
      id,
      expiresAt,
      privateKey: encodeBase64(privateKey),
    })),
  };
  const path = pathIn(dataFolder);
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  const unfinished = `${path}.${process.pid}`;
  writeSynced(unfinished, JSON.stringify(stored, null, 2));
  renameSync(unfinished, path);
  syncFolder(dirname(path)); // or a power cut brings the former keys back
}

function writeSynced(path: string, text: string): void {
  const descriptor = openSync(path, 'w', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
