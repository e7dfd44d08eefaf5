import { shownName } from '../../../protocol/records/shown-name.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import type { LegName } from '../../../workers/api.ts';
import { commandFailures } from './command-failures.ts';
import { connectionFailures } from './connection-failures.ts';
import { endings } from './endings.ts';
import type { FailureEntry, FailureText } from './failure-entry.ts';
import { jumpFailures } from './jump-failures.ts';
import { loginFailures } from './login-failures.ts';
import { targetFailures } from './target-failures.ts';
import { explainCode } from '../../state/error-text.ts';
import { isErrorCode } from '../../../protocol/errors.ts';

export type { FailureText } from './failure-entry.ts';

/** Why a session ended or never began, as the page knows it. */
export interface SessionFailure {
  readonly leg: LegName | null;
  readonly code: string;
  /** What the other side said beside the code; may be empty. */
  readonly message: string;
  /** What the administrator wrote who ended it. */
  readonly reason?: string;
}

const catalogue = {
  ...commandFailures,
  ...connectionFailures,
  ...targetFailures,
  ...loginFailures,
  ...endings,
};

export type CataloguedCode = keyof typeof catalogue;

export function isCatalogued(code: string): code is CataloguedCode {
  return Object.hasOwn(catalogue, code);
}

/** What a session says that ended so, in a line; null for a code that only a newer gateway knows. */
export function endTitle(code: string): string | null {
  return isCatalogued(code) ? catalogue[code][1] : null;
}

/** Cause and next step of every end; a code of a newer gateway gets a general text that names it. */
export function describeFailure(failure: SessionFailure): FailureText {
  const by = failure.message.includes('@') ? shownName(failure.message) : null;
  if (failure.code === 'access-taken-back' && by !== null)
    return { ...textOf(catalogue[failure.code]), title: `Access was taken back by ${by}` };
  if (failure.code === 'ended-by-command' && by !== null)
    return { ...textOf(catalogue[failure.code]), ...endedBy(by, shownName(failure.reason ?? '')) };
  const jump = failure.leg === 'jump' ? jumpFailures.get(failure.code) : undefined;
  if (jump) return textOf(jump);
  if (isCatalogued(failure.code)) return textOf(catalogue[failure.code]);
  if (isErrorCode(failure.code)) return generalText(failure.code);
  return {
    leg: null,
    title: 'The session failed',
    cause: `The gateway gave the reason “${failure.code}”, which this page does not know.`,
    next: 'Reload the page for the newest version, then reconnect.',
    tone: 'failure',
  };
}

function endedBy(by: string, reason: string): Pick<FailureText, 'title' | 'cause'> {
  const cause = reason === '' ? 'They gave no reason.' : `They wrote: “${reason}”`;
  return { title: `The session was ended by ${by}`, cause };
}

function textOf([leg, title, cause, next, tone = 'failure']: FailureEntry): FailureText {
  return { leg, title, cause, next, tone };
}

function generalText(code: ErrorCode): FailureText {
  const { title, next } = explainCode(code);
  return { leg: null, title, cause: 'The session did not come about.', next, tone: 'failure' };
}
