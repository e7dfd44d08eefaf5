// The table of `bench media`, a line for each path and direction.
import { median, percentile } from '../figures.ts';
import type { PathShape } from './line.ts';
import type { PathToll } from './path-process.ts';

export interface Measured {
  readonly shape: PathShape;
  readonly direction: 'up' | 'down';
  /** Bytes a second of TCP on the same path. */
  readonly tcp: number;
  /** Bytes a second of the flood. */
  readonly rate: number;
  /** Key to echo without a flood, and with it. */
  readonly idle: readonly number[];
  readonly echoes: readonly number[];
  readonly toll: PathToll;
  /** Packets that an end's socket had no room for. */
  readonly lost: number;
}

/** Of a key under a flood at p99, and of bulk where the path has a delay. */
const goals = {
  echoMs: (roundTripMs: number) => 1.5 * roundTripMs + 10,
  ratio: 0.7,
  ratioFromMs: 10,
};

const columns = [
  ['rtt', 5],
  ['Mbit/s', 8],
  ['', 5],
  ['idle p50', 10],
  ['p99', 6],
  ['key p50', 9],
  ['p99', 8],
  ['goal', 6],
  ['', 7],
  ['MB/s', 7],
  ['tcp', 8],
  ['ratio', 7],
  ['', 7],
  ['dropped', 9],
  ['lost', 6],
  ['late', 6],
] as const;

export function heading(queueMs: number): string {
  return (
    `key to echo while the same connection is flooded (ms), and the flood against TCP on the same path; ` +
    `queue of ${queueMs} ms at the path's rate, tail drop; packets that it dropped, that sockets of the ends lost, and how late the ` +
    `path itself was at p99 (ms)\n` +
    cells(columns.map(([title]) => title))
  );
}

export function lineOf(one: Measured): string {
  const { shape, direction, tcp, rate, idle, echoes, toll, lost } = one;
  const mbit = shape.rate === null ? 'free' : String((shape.rate * 8) / 1000);
  const { echo, bulk } = verdictOf(one);
  return cells([
    ...[
      String(shape.roundTripMs),
      mbit,
      direction,
      ms(median(idle)),
      ms(percentile(idle, 0.99)),
      ms(median(echoes)),
    ],
    ...[ms(percentile(echoes, 0.99)), ms(goals.echoMs(shape.roundTripMs)), said(echo)],
    ...[
      (rate / 1e6).toFixed(2),
      (tcp / 1e6).toFixed(2),
      (rate / tcp).toFixed(2),
      said(bulk),
      ...[String(toll.dropped), String(lost), String(toll.lateMs)],
    ],
  ]);
}

export function summary(all: readonly Measured[]): string {
  const verdicts = all.map(verdictOf);
  const count = (of: 'echo' | 'bulk') =>
    `${verdicts.filter((one) => one[of] === true).length} of ${verdicts.filter((one) => one[of] !== null).length}`;
  return `goals met: key echo ${count('echo')}, bulk ${count('bulk')}`;
}

/** Null where there is no goal. */
function verdictOf({ shape, echoes, rate, tcp }: Measured): { echo: boolean; bulk: boolean | null } {
  return {
    echo: percentile(echoes, 0.99) <= goals.echoMs(shape.roundTripMs),
    bulk: shape.roundTripMs < goals.ratioFromMs ? null : rate / tcp >= goals.ratio,
  };
}

function said(verdict: boolean | null): string {
  return verdict === null ? '–' : verdict ? 'met' : 'MISSED';
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function cells(texts: readonly string[]): string {
  return columns.map(([, width], at) => (texts[at] ?? '').padStart(width)).join('');
}
