import { LiveSessions, type LiveSessionsParts } from './live-sessions.ts';
import { SessionPolicies, type SessionPoliciesParts } from './session-policies.ts';

export type OversightDeskParts = SessionPoliciesParts & Omit<LiveSessionsParts, 'policies'>;

/** Policies for live sessions, and the sessions that they let an administrator see. protocol.md §29. */
export class OversightDesk {
  readonly policies: SessionPolicies;
  readonly live: LiveSessions;

  constructor(parts: OversightDeskParts) {
    this.policies = new SessionPolicies(parts);
    this.live = new LiveSessions({ ...parts, policies: this.policies });
  }
}
