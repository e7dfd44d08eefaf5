// What each leg's test comes to, in words and with the next step.
import { toProtocolError } from '../../protocol/errors.ts';
import type { DiagnosedLegView } from '../../workers/api.ts';
import { describeFailure } from '../session/failures/failures.ts';
import { refusalOf } from '../session/signal-text.ts';
import type { IceFound } from './ice-search.ts';
import type { DiagnosedLegName, LegResult } from './leg-names.ts';

/** Of these the gateway's answer speaks. */
export const beyond = ['guacd', 'jump', 'target'] as const;

const noJump: LegResult = {
  state: 'not-configured',
  note: 'the gateway reaches the machine by itself',
  next: 'Nothing.',
};
const behindJump: LegResult = {
  state: 'not-configured',
  note: 'it is behind the jump machine, where the diagnosis does not log in',
  next: 'Connect: a session says whether the jump machine or the machine fails.',
};

export const noRelay: LegResult = {
  state: 'not-configured',
  note: 'the server names no relay',
  next: 'Nothing, where browser and gateway reach each other. Else set up [relay] in the server’s settings.',
};

const pathNext = 'Check that the browser may use WebRTC, and that this network allows UDP.';
const detourNext =
  'Let proxies in front of the server pass WebSockets to /api/v1/detour on, from the browser and from the gateway.';
const serverNext =
  'Check the network, the server’s name and its certificate; npm run diagnose on the server says more.';

export function describePaths({ host, reflexive }: IceFound): string {
  return `${host} local, ${reflexive} behind NAT`;
}

export function beyondResult(leg: (typeof beyond)[number], legs: readonly DiagnosedLegView[]): LegResult {
  const found = legs.find((view) => view.leg === leg);
  const jumps = legs.some((view) => view.leg === 'jump');
  if (!found && leg === 'jump') return noJump;
  if (!found && jumps) return behindJump;
  if (!found) return { state: 'not-reached', because: 'gateway' };
  const { code, tookMs } = found;
  if (code === null)
    return { state: 'ok', note: leg === 'guacd' ? 'shakes hands' : 'takes a connection', tookMs };
  const { title, next } = describeFailure({ leg, code, message: '' });
  return { state: 'failed', note: title, next, code, tookMs };
}

/** Who does not let it, as a session would say it: that is a choice, and no failure. */
export function refusedDetour(refusedBy: 'server' | 'gateway'): LegResult {
  const setting = refusedBy === 'server' ? 'RELAY_THROUGH_SERVER' : 'SALLYPORT_GATEWAY_THROUGH_SERVER';
  return {
    state: 'not-configured',
    note: `this ${refusedBy} lets no session go through ${refusedBy === 'server' ? 'it' : 'the server'}`,
    next: `Nothing, where UDP or a relay works. Else ask for ${setting} on the ${refusedBy}.`,
  };
}

export function failureResult(leg: DiagnosedLegName, error: unknown, tookMs: number): LegResult {
  if (leg === 'server')
    return { state: 'failed', note: 'it does not answer', next: serverNext, code: 'offline', tookMs };
  if (leg === 'udp' || leg === 'relay') {
    const code = toProtocolError(error)?.code ?? 'internal';
    return { state: 'failed', note: 'the browser found no candidate', next: pathNext, code, tookMs };
  }
  if (leg === 'detour') {
    const code = toProtocolError(error)?.code ?? 'internal';
    return {
      state: 'failed',
      note: 'it was prepared, and did not come about',
      next: detourNext,
      code,
      tookMs,
    };
  }
  const failure = refusalOf(error);
  const { title, next } = describeFailure(failure);
  return { state: 'failed', note: title, next, code: failure.code, tookMs };
}
