import type { ApplicationEventView } from '../../workers/api.ts';

export interface EventDevice {
  readonly clientId: string;
  /** As an event calls it; empty when none does. */
  readonly name: string;
}

/** The devices that events name, each once, whoever of them is revoked by now. */
export function devicesIn(events: readonly ApplicationEventView[]): readonly EventDevice[] {
  const names = new Map<string, string>();
  for (const { clientId, clientName } of events)
    if (clientId !== '' && !names.get(clientId)) names.set(clientId, clientName);
  return [...names].map(([clientId, name]) => ({ clientId, name }));
}
