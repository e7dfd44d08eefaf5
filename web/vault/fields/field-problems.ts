import { toProtocolError } from '../../../protocol/errors.ts';
import { parseOneTimeSecret } from '../../../protocol/records/one-time-secret.ts';
import { isWebAddress } from '../web-address.ts';
import { textAt, valueCount, type FieldDraft } from './field-draft.ts';

/** What is wrong with a text of that type, as a sentence; null when nothing is, and for an empty one. */
export function textProblem(type: string, text: string): string | null {
  if (text === '') return null;
  switch (type) {
    case 'url':
    case 'rbiUrl':
      return isWebAddress(text) ? null : 'Start it with https:// or http://.';
    case 'email':
      return /^[^\s@]+@[^\s@]+$/.test(text.trim()) ? null : 'This is not an email address.';
    case 'oneTimeCode':
      return codeProblem(text);
    case 'json':
      return isJson(text) ? null : 'This is not JSON.';
    default:
      return null;
  }
}

/** What is wrong with a member of a value of that type; null when nothing is, and for an empty one. */
export function memberProblem(type: string, member: string, text: string): string | null {
  if (text === '') return null;
  if (member === 'port') return portProblem(text);
  if (member === 'hostName') return /\s/.test(text.trim()) ? 'No spaces here.' : null;
  if (type === 'paymentCard' && member === 'cardExpirationDate')
    return /^(0[1-9]|1[0-2])\/\d{4}$/.test(text) ? null : 'Month and year, as 04/2030.';
  return null;
}

/** Whether anything in the field keeps the record from being saved. */
export function hasProblem(draft: FieldDraft): boolean {
  const { type, value } = draft.field;
  return Array.from({ length: valueCount(draft) }, (_, at) => at).some((at) => {
    const held = value[at];
    if (typeof held !== 'object') return textProblem(type, textAt(draft, at)) !== null;
    return Object.keys(held).some(
      (member) => memberProblem(type, member, textAt(draft, at, member)) !== null,
    );
  });
}

function codeProblem(text: string): string | null {
  try {
    parseOneTimeSecret(text);
    return null;
  } catch (error) {
    const message = toProtocolError(error)?.message ?? 'not readable';
    return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  }
}

function portProblem(text: string): string | null {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? null : '1 to 65535.';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // that it is none is the answer
  }
}
