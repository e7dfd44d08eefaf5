/** Why a gateway says no to a command: the router hands the code to the vault, which has words for each. */
export const refusalCodes = [
  'malformed',
  'wrong-audience',
  'not-in-roster',
  'roster-outdated',
  'bad-signature',
  'expired',
  'replayed',
  'unsupported',
  'not-allowed',
  'not-found',
  'busy',
  'record-unavailable',
  'untrusted-record',
  'record-outdated',
  'policy-outdated',
  'credential-needed',
  'jump-unusable',
  'offer-unreadable',
  'peer-gone',
  'page-outdated',
  'relays-refused',
  'recording-unavailable',
  'recording-no-room',
  'internal',
] as const;

export type RefusalCode = (typeof refusalCodes)[number];

/** A command that is not carried out. The message is lower case and holds nothing secret: the router reads it. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string = code) {
    super(message);
    this.name = code;
    this.code = code;
  }
}
