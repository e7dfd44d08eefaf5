/** The legs of a session, in the order in which each needs the ones before. */
export const diagnosedLegs = [
  'server',
  'router',
  'udp',
  'relay',
  'gateway',
  'detour',
  'guacd',
  'jump',
  'target',
] as const;
export type DiagnosedLegName = (typeof diagnosedLegs)[number];

export const diagnosedLegNames: Readonly<Record<DiagnosedLegName, string>> = {
  server: 'Server (DNS, TLS, HTTPS)',
  router: 'Router link',
  udp: 'UDP and ICE candidates',
  relay: 'Relays (TURN)',
  gateway: 'Gateway',
  detour: 'Way through the server, without UDP',
  guacd: 'guacd',
  jump: 'Jump machine (DNS, TCP), as the gateway sees it',
  target: 'Machine (DNS, TCP), as the gateway sees it',
};

/** A leg as it is shown: of this list, or of one relay's address in place of `relay`. */
export interface ShownLeg {
  readonly id: DiagnosedLegName | `relay-${number}`;
  readonly name: string;
  /** For the screen alone. */
  readonly address?: string;
  readonly result: LegResult;
}

export type LegResult =
  | { readonly state: 'waiting' | 'running' | 'cancelled' }
  | { readonly state: 'ok'; readonly note: string; readonly tookMs: number }
  | {
      readonly state: 'failed';
      readonly note: string;
      readonly next: string;
      readonly code: string;
      readonly tookMs: number;
    }
  | { readonly state: 'not-configured'; readonly note: string; readonly next: string }
  /** Because another leg before it failed. */
  | { readonly state: 'not-reached'; readonly because: DiagnosedLegName };

/** The result in a word or two, as it is read out and copied. */
export function resultText(result: LegResult): string {
  switch (result.state) {
    case 'waiting':
      return 'waiting';
    case 'running':
      return 'being tested';
    case 'cancelled':
      return 'cancelled';
    case 'ok':
      return 'ok';
    case 'failed':
      return 'failed';
    case 'not-configured':
      return 'not configured';
    case 'not-reached':
      return `not reached because of: ${diagnosedLegNames[result.because]}`;
  }
}

/** All of it as text for a ticket: names, results, times and codes; no address, name of a machine, or password. */
export function reportText(legs: readonly ShownLeg[], atMs: number): string {
  const lines = legs.map(({ name, result }) => {
    const took = 'tookMs' in result ? ` (${Math.round(result.tookMs)} ms)` : '';
    const code = result.state === 'failed' ? ` [${result.code}]` : '';
    const note = 'note' in result ? ` – ${result.note}` : '';
    const next = 'next' in result ? `\n    Next: ${result.next}` : '';
    return `${name}: ${resultText(result)}${took}${code}${note}${next}`;
  });
  return [`Sallyport diagnosis, ${new Date(atMs).toISOString()}`, ...lines].join('\n');
}
