import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeBase64url } from '../../../protocol/bytes.ts';
import { madeRecording, recordingFile } from '../../fixtures/recording.ts';

const command = join(import.meta.dirname, '../../../scripts/commands/verify-recording.ts');
let folder: string;
let recordingKey: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-verify-'));
  const made = await madeRecording(['$ id\r\n', 'uid=0(root)\r\n']);
  recordingKey = encodeBase64url(made.key);
  writeFileSync(join(folder, 'recording'), recordingFile(made.parts));
});
afterAll(() => rmSync(folder, { recursive: true }));

function verify(text: string): Promise<{ code: unknown; said: string }> {
  const args = [command, join(folder, 'recording'), '--text', join(folder, text)];
  const env = { ...process.env, SALLYPORT_RECORDING_KEY: recordingKey };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, said: stdout + stderr }),
    );
  });
}

test('the text of a recording goes into a new file, for this person alone', async () => {
  expect((await verify('text')).code).toBe(0);
  expect(readFileSync(join(folder, 'text'), 'utf8')).toBe('$ id\r\nuid=0(root)\r\n');
  expect(statSync(join(folder, 'text')).mode & 0o777).toBe(0o600);
});

test.each(['there', 'nowhere/text'])(
  'a file that cannot be made (%s) is said, and nothing overwritten',
  async (text) => {
    writeFileSync(join(folder, 'there'), 'mine');
    const { code, said } = await verify(text);
    expect(code).toBe(1);
    expect(said).toContain(`--text ${join(folder, text)} cannot be made`);
    expect(said).not.toMatch(/^ +at /m);
    expect(readFileSync(join(folder, 'there'), 'utf8')).toBe('mine');
  },
);
