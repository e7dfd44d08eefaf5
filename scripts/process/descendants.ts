// Processes that are ours without being our children: what a session of our sshd has started.
import { readFileSync, readdirSync, statSync } from 'node:fs';

/** Kills every process of an account that only we use. */
export function endProcessesOf(uid: number): void {
  for (const pid of allProcesses()) if (ownerOf(pid) === uid) endProcess(pid, 'SIGKILL');
}

/** The processes that `pid` has started, and those that they have. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Kills the processes of one program that belong to a session (setsid) which has lost its leader. */
export function endSessionOf(leader: number, program: string): void {
  for (const pid of allProcesses()) {
    const { name, session } = readStat(pid) ?? {};
    if (session === leader && name === program && pid !== leader) endProcess(pid, 'SIGKILL');
  }
}

/** Sends a signal to a process that may have ended by itself. */
export function endProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it has ended
  }
}

function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** proc(5), `stat`: the name is in brackets and may have brackets of its own; the session is the sixth field. */
function readStat(pid: number): { readonly name: string; readonly session: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, name = '', rest = ''] = /^\d+ \(([^]*)\) ([^]*)$/.exec(text) ?? [];
    return { name, session: Number(rest.split(' ')[3]) };
  } catch {
    return null; // it has ended
  }
}

function ownerOf(pid: number): number | null {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? null;
}

/** Each of its threads has those that it started itself. */
function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number);
    } catch {
      return []; // it has ended
    }
  });
}

/** None when it has ended. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
