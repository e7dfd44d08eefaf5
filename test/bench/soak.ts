// npm run bench -- soak [SECONDS] [SESSIONS]: many SSH sessions on one gateway for long (600 s, 50 of them), each with output
// and with typing, while one page after another loses its connection and comes back. Every picture that reaches a page has to be
// whole (PNG's checksums), every instruction readable, every typed line on the machine once and in order; memory of server,
// gateway and guacds may not rise by more than it swings, and handles have to come back. Exit code 1 when something is wrong.
import { setTimeout as wait } from 'node:timers/promises';
import { MemoryWatch, ownMiB } from './soak/memory-watch.ts';
import { startSoakHouse } from './soak/soak-house.ts';
import { Soak, type SoakTotals } from './soak/soak.ts';

const second = 1_000;
const seconds = Number(process.argv[2] ?? 600);
const count = Number(process.argv[3] ?? 50);
const sessionsOfAPage = 10;
const lookEvery = 5;
const cutEvery = 10;
const sayEvery = 60;

const house = await startSoakHouse(count);
const faults: string[] = [];
try {
  const soak = await Soak.open(house, count, sessionsOfAPage);
  console.log(`${count} sessions are open; ${seconds} s of output and typing begin`);
  const watch = new MemoryWatch({
    server: () => ownMiB(house.server.pid),
    gateway: () => ownMiB(house.gateway.pid),
    guacds: () => house.pool.pids().reduce((sum, pid) => sum + ownMiB(pid, true), 0),
  });
  await run(soak, watch);
  printTotals(soak.totals);
  faults.push(...(await soak.finish()));
  for (const { name, text, leaks } of watch.verdicts()) {
    console.log(text);
    if (leaks) faults.push(`${name} leaks`);
  }
} finally {
  await house.stop();
}
for (const fault of faults.slice(0, 20)) console.log(`FAULT ${fault}`);
console.log(faults.length === 0 ? 'nothing was dropped, doubled or kept' : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

/** A line into each session every second; now and then a look at the memory, and a page that loses its connection. */
async function run(soak: Soak, watch: MemoryWatch): Promise<void> {
  const end = performance.now() + seconds * second;
  let cut: Promise<void> = Promise.resolve();
  for (let round = 0; performance.now() < end; round++) {
    const next = performance.now() + second;
    soak.typeLines();
    if (round % lookEvery === 0) watch.look();
    if (round % cutEvery === cutEvery - 1) cut = cut.then(() => soak.cutNext());
    if (round % sayEvery === 0)
      console.log(`  ${round} s: ${watch.now()}, came back ${soak.totals.resumed} times`);
    await wait(Math.max(0, next - performance.now()));
  }
  await cut;
}

function printTotals({ bytes, instructions, pictures, lines, resumed }: SoakTotals): void {
  console.log(`to the pages: ${(bytes / 1e6).toFixed(1)} MB, ${instructions} instructions,`);
  console.log(
    `  ${pictures} pictures with right checksums; typed: ${lines} lines; came back ${resumed} times`,
  );
}
