import { toProtocolError, type ErrorCode } from '../../protocol/errors.ts';

/** The server is not there, or not now: nothing else can be stored either. Anything else may be of one recording alone. */
const away: readonly ErrorCode[] = ['offline', 'too-many-requests'];

/** What another try does not change: the server knows it otherwise, or it is not what a server takes. */
const final: readonly ErrorCode[] = [
  ...(['conflict', 'not-allowed', 'bad-signature'] as const),
  ...(['malformed', 'too-large', 'unsupported-version'] as const),
];
/** Nobody's fault but its size: it is offered again until there is room. */
const noRoom: readonly ErrorCode[] = ['store-full', 'limit-reached'];

export function isFinal(error: unknown): boolean {
  const known = toProtocolError(error);
  return known !== null && final.includes(known.code);
}

export function isNoRoom(error: unknown): boolean {
  const known = toProtocolError(error);
  return known !== null && noRoom.includes(known.code);
}

export function isAway(error: unknown): boolean {
  const known = toProtocolError(error);
  return known !== null && away.includes(known.code);
}
