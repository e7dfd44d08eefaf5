import { readFileSync } from 'node:fs';
import { descendantsOf } from '../../../scripts/process/descendants.ts';

const ticksASecond = 100; // USER_HZ, the same on every Linux that Node runs on

/** Seconds of a processor that a process and what it has started have used. */
export function processorSeconds(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, one) => sum + secondsOf(one), 0);
}

/** Mebibytes that only these processes hold, and their share of what they hold together (Pss, proc(5)). */
export function memoryMebibytes(pid: number): number {
  return [pid, ...descendantsOf(pid)].reduce((sum, one) => {
    const kib = Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${one}/smaps_rollup`))?.[1] ?? 0);
    return sum + kib / 1024;
  }, 0);
}

function secondsOf(pid: number): number {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksASecond;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
