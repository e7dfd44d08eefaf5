// Attachments: one file of a gibibyte (or as many MiB as the argument says), up and down through a real server, beside
// one of 64 MiB. Memory must not grow with the file.
import { createHash } from 'node:crypto';
import { mkdtempSync, openAsBlob, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limits } from '../../protocol/limits.ts';
import type { Uid } from '../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { startServerProcess } from '../fixtures/server-process.ts';

const mebibyte = 2 ** 20;
const small = 64;
const large = Number(process.argv[2] ?? 1024);
/** Of the small file's growth: the same, and room for a garbage collector's moods. */
const growthMost = 2;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-file-bench-'));
const server = await startServerProcess({ SALLYPORT_DATA: join(folder, 'data'), OPEN_SIGN_UP: 'true' });
const engine = await startEngine(server.url);
try {
  await engine.draftRecoveryPhrase();
  await engine.createAccount({ email: 'bench@example.test', password: 'correct horse battery staple' });
  const recordUid = await engine.saveRecord({ content: { type: 'login', title: 'Files', fields: [] } });
  await transfer(engine, recordUid, 8); // what is compiled and cached once
  const first = await transfer(engine, recordUid, small);
  const second = await transfer(engine, recordUid, large);
  for (const side of ['engine', 'server'] as const) {
    const ratio = second[side] / Math.max(first[side], 16);
    console.log(
      `${side}: growth ${first[side]} MiB at ${small} MiB, ${second[side]} MiB at ${large} MiB: ratio ${ratio.toFixed(2)}`,
    );
    if (ratio > growthMost && second[side] > large / 8)
      throw new Error(`the ${side}'s memory grows with the file`);
  }
} finally {
  await engine.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Up and down; how much the memory of both sides grew, at most, in MiB. */
async function transfer(on: TestEngine, recordUid: Uid, size: number) {
  const base = { engine: residentOf(process.pid), server: residentOf(server.child.pid) };
  const most = { ...base };
  const look = () => {
    most.engine = Math.max(most.engine, residentOf(process.pid));
    most.server = Math.max(most.server, residentOf(server.child.pid));
  };
  await on.watchTransfers(look);
  const file = await sparseFile(size);
  const upSince = performance.now();
  const [fileUid] = await on.attachFiles({ recordUid, files: [file] });
  const up = performance.now() - upSince;
  if (!fileUid) throw new Error('nothing was attached');
  const hash = createHash('sha256');
  const downSince = performance.now();
  const { chunks = 0 } = (await on.listFiles(recordUid)).find((one) => one.fileUid === fileUid) ?? {};
  for (let index = 0; index < chunks; index++) {
    hash.update(await on.readFileChunk({ recordUid, fileUid, index }));
    look();
  }
  const down = performance.now() - downSince;
  if (hash.digest('hex') !== zerosHash(size)) throw new Error('another file came back');
  const rate = (ms: number) => `${((size * 1000) / ms).toFixed(0)} MiB/s`;
  console.log(`${size} MiB: up ${rate(up)}, down ${rate(down)}`);
  return { engine: most.engine - base.engine, server: most.server - base.server };
}

async function sparseFile(size: number): Promise<File> {
  const path = join(folder, `${size}.bin`);
  writeFileSync(path, '');
  truncateSync(path, size * mebibyte);
  return new File([await openAsBlob(path)], `${size}.bin`, { lastModified: 1 });
}

function zerosHash(size: number): string {
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(limits.fileChunk);
  for (let i = 0; i < size; i++) hash.update(zeros);
  return hash.digest('hex');
}

/** Resident memory in MiB. */
function residentOf(pid: number | undefined): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
}
