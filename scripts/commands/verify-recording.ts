// Whether a downloaded recording is complete and its gateway's; with its key, what is in it.
import { createHash } from 'node:crypto';
import type { WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { encodeBase64url, parseBase64url } from '../../protocol/bytes.ts';
import type { RecordingOpening } from '../../protocol/messages/gen/recording_pb.js';
import { describeFault } from '../../protocol/recording/fault-words.ts';
import { uidOf } from '../../protocol/uid.ts';
import { runCommand, type CommandScope } from '../process/command.ts';
import { judgeRecording, type Verdict } from '../recordings/verdict.ts';

await runCommand(async (scope) => {
  const { values, positionals } = parseArgs({
    options: { gateway: { type: 'string' }, text: { type: 'string' } },
    allowPositionals: true,
  });
  const [path] = positionals;
  if (path === undefined) {
    scope.progress.say('say which: npm run verify-recording -- FILE');
    return 2;
  }
  const text = values.text === undefined ? null : await newFile(values.text, scope);
  const verdict = await judgeRecording({
    path,
    gatewayKey: keyIn(values.gateway, 65, '--gateway'),
    // Other users of this machine can read command lines.
    recordingKey: keyIn(process.env['SALLYPORT_RECORDING_KEY'], 32, 'SALLYPORT_RECORDING_KEY'),
    onEntry: ({ kind, bytes }) => void (kind === 'output' && text?.write(bytes)),
  });
  return tell(verdict, scope, values.gateway !== undefined);
});

/** Of the terminal's output: not on the screen, where a hostile target's escapes would be obeyed. */
async function newFile(path: string, { parts }: CommandScope): Promise<WriteStream> {
  const handle = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new Error(`--text ${path} cannot be made: it must be a file that is not there yet`, {
      cause: error,
    });
  });
  const file = handle.createWriteStream();
  const written = finished(file);
  written.catch(() => undefined); // told at the end
  parts.defer(() => (file.end(), written));
  return file;
}

function keyIn(text: string | undefined, length: number, name: string) {
  if (!text) return null;
  const key = parseBase64url(text);
  if (key.length !== length) throw new Error(`${name} must be ${length} bytes in base64url`);
  return key;
}

function tell(verdict: Verdict, { progress }: CommandScope, pinned: boolean): number {
  const { opening, closing, chunks, faults, unreadable, closed, entries } = verdict;
  if (opening) describeOpening(opening, progress.say);
  if (closing)
    progress.say(
      `ended after ${(closing.lengthMs / 1000).toFixed(1)} s: ${closing.reason}; ${chunks} chunks`,
    );
  if (opening && !pinned)
    progress.say('give --gateway KEY, as the vault shows it, to be sure whose key that is');
  for (const fault of faults) progress.say(`wrong: ${describeFault(fault)}`);
  if (unreadable !== null) progress.say(`wrong: the file cannot be read further: ${unreadable}`);
  if (closed > 0) progress.say(`wrong: ${closed} chunks do not open under the key`);
  if (process.env['SALLYPORT_RECORDING_KEY']) progress.say(`opened ${entries} entries`);
  const good = faults.length === 0 && unreadable === null && closed === 0;
  progress.say(
    good
      ? 'complete, in order, and signed by its gateway from the first word to the last'
      : 'not to be trusted as a whole',
  );
  return good ? 0 : 1;
}

function describeOpening(opening: RecordingOpening, say: (line: string) => void): void {
  const { sessionUid, recordUid, accountUid, gatewayUid, gatewayKey, startedAtMs } = opening;
  const print = createHash('sha256').update(gatewayKey).digest('hex');
  say(`session ${uidOf(sessionUid)} on record ${uidOf(recordUid)} by account ${uidOf(accountUid)}`);
  say(`begun ${new Date(Number(startedAtMs)).toISOString()}, ${opening.protocol}`);
  say(`signed by gateway ${uidOf(gatewayUid)}, key ${encodeBase64url(gatewayKey)}`);
  say(`fingerprint of that key: SHA-256 ${print}`);
}
