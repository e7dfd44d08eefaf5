// Attack class 26: recordings tampered with in the server's own storage, one way after another: what the vault says of each, what
// it still shows, and what the stand-alone verifier says of the file that is saved from it.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../protocol/bytes.ts';
import type { Uid } from '../../protocol/uid.ts';
import { output, RecordedVault, type MadeChunk } from '../fixtures/recorded-vault.ts';
import { RecordingStorage, tamperings, type StoredParts } from '../fixtures/tampering.ts';

const command = join(import.meta.dirname, '../../scripts/commands/verify-recording.ts');
const chunks: readonly MadeChunk[] = Array.from({ length: 5 }, (_, index) => ({
  entries: [output(index * 1_000, `line-${index}\r\n`)],
}));

let vault: RecordedVault;
let storage: RecordingStorage;
let folder: string;
let [recording, other]: Uid[] = [];
let honest: StoredParts;
beforeAll(async () => {
  vault = await RecordedVault.start();
  storage = new RecordingStorage(vault.open.db, vault.open.server.config.dataFolder);
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tampered-'));
  [recording, other] = [await vault.record(chunks), await vault.record(chunks)];
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await vault?.stop();
});

const uidOf = (uid: Uid | undefined) => uid ?? expect.unreachable();

/** What the vault says, and the lines that it shows. */
async function look() {
  const { engine } = vault;
  const sessionUid = uidOf(recording);
  const { facts } = await engine.openRecording(sessionUid);
  const survey = await engine.surveyRecording(sessionUid);
  const lines = await engine.readTranscript({ sessionUid, atMs: 60_000, most: 100 });
  const parts: Uint8Array[] = [];
  await engine.exportRecording(sessionUid, (bytes) => void parts.push(bytes));
  const path = join(folder, 'saved');
  writeFileSync(path, concat(...parts));
  const shown = lines.map(({ text }) => text);
  return { survey, shown, verifier: await verify(path, facts.gateway.publicKey) };
}

function verify(path: string, gatewayKey: string): Promise<{ code: unknown; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [command, path, '--gateway', gatewayKey], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    );
  });
}

describe('a recording is tampered with in the storage', () => {
  test('before: it is whole', async () => {
    honest = await storage.read(uidOf(recording));
    const { survey, shown, verifier } = await look();
    expect(survey).toMatchObject({ verdict: 'complete', faults: [] });
    expect(shown).toEqual(chunks.map((_, index) => `line-${index}`));
    expect(verifier).toMatchObject({ code: 0 });
    expect(verifier.said).toContain('complete, in order, and signed by its gateway');
  });

  test.each(tamperings)('$name', async ({ said, apply }) => {
    const copy = structuredCloneOf(honest);
    await storage.write(uidOf(recording), await apply(copy, await storage.read(uidOf(other))));
    const { survey, shown, verifier } = await look();
    expect(survey.verdict).toBe('wrong');
    const faults = survey.faults.map(({ text }) => text);
    for (const fault of said) expect(faults).toContainEqual(expect.stringMatching(fault));
    expect(verifier.code).toBe(1);
    expect(verifier.said).toContain('not to be trusted as a whole');
    // Nothing is shown that was not recorded in this session, and what was is shown once.
    expect(new Set(shown).size).toBe(shown.length);
    for (const line of shown) expect(chunks.map((_, index) => `line-${index}`)).toContain(line);
  });

  test('end and closing are taken away: nobody is told that it is complete', async () => {
    const { chunks: all, ...rest } = structuredCloneOf(honest);
    const kept = all.filter(({ place }) => place < 3);
    await storage.write(uidOf(recording), { ...rest, chunks: kept, closing: null });
    const { survey, verifier } = await look();
    expect(survey).toMatchObject({ verdict: 'open', faults: [{ fault: 'not-closed' }] });
    expect(verifier.code).toBe(1);
    expect(verifier.said).toContain('there is no closing');
  });

  test('after: what is put back is whole again, so each of these was found by itself', async () => {
    await storage.write(uidOf(recording), honest);
    expect((await look()).survey).toMatchObject({ verdict: 'complete', faults: [] });
  });
});

/** Tampering changes what it is given. */
function structuredCloneOf({ chunks: all, opening, closing }: StoredParts): StoredParts {
  return {
    chunks: all.map(({ place, said, sealed }) => ({ place, said: { ...said }, sealed: Buffer.from(sealed) })),
    opening: Buffer.from(opening),
    closing: closing && Buffer.from(closing),
  };
}
