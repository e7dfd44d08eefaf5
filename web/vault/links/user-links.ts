import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { linksOf, withLink, withoutLink, type LinkRole } from '../../../protocol/records/links.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** The roles that one user at most has. */
export type SingleRole = Exclude<LinkRole, 'user' | 'jump'>;

export interface LinkedUser {
  readonly recordUid: Uid;
  /** Empty: an account there and no more. */
  readonly roles: readonly SingleRole[];
}

/** What a role is called. */
export const roleTitles: Readonly<Record<LinkRole, string>> = {
  launch: 'Launch credential',
  administrative: 'Administrative credential',
  jump: 'Jump machine',
  user: 'Linked user',
};

/** Every linked user once, in their order; none of settings that are not valid, which is said elsewhere. */
export function linkedUsers(content: RecordContent): readonly LinkedUser[] {
  const users = linksIn(content).filter(({ role }) => role !== 'jump');
  const byUser = Map.groupBy(users, ({ recordUid }) => recordUid);
  return [...byUser].map(([recordUid, links]) => ({
    recordUid,
    roles: links.flatMap(({ role }) => (role === 'user' || role === 'jump' ? [] : [role])),
  }));
}

export function withUser(content: RecordContent, recordUid: Uid): RecordContent {
  return withLink(content, { recordUid, role: 'user' });
}

/** Gives the role, whose former holder stays linked; or takes it, and the user stays linked without it. */
export function withRole(
  content: RecordContent,
  recordUid: Uid,
  role: SingleRole,
  on: boolean,
): RecordContent {
  if (!on) return keptAsUser(withoutLink(content, { recordUid, role }), recordUid);
  const former = linkedUsers(content).find(({ roles }) => roles.includes(role));
  const next = withLink(content, { recordUid, role });
  return former === undefined ? next : keptAsUser(next, former.recordUid);
}

/** The content without any link to that user. */
export function withoutUser(content: RecordContent, recordUid: Uid): RecordContent {
  const roles: readonly LinkRole[] = ['launch', 'administrative', 'user'];
  return roles.reduce((rest, role) => withoutLink(rest, { recordUid, role }), content);
}

function keptAsUser(content: RecordContent, recordUid: Uid): RecordContent {
  const linked = linkedUsers(content).some((user) => user.recordUid === recordUid);
  return linked ? content : withUser(content, recordUid);
}

function linksIn(content: RecordContent) {
  try {
    return linksOf(content);
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
