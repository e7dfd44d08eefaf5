import { ProtocolError } from '../../protocol/errors.ts';

/** What an SDP offer must say before the gateway answers it. */
export interface Offer {
  readonly sdp: string;
  /** SHA-256 of the page's DTLS certificate, as SDP writes it (RFC 8122): what the peer must show. */
  readonly fingerprint: string;
}

const maxLength = 16 * 1024;
const sha256Form = /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/;

/**
 * Checks an offer that came sealed. Throws `malformed` unless it is for one data channel section with exactly one
 * SHA-256 fingerprint: two would leave it open which of them counts.
 */
export function parseOffer(sdp: string): Offer {
  if (sdp.length > maxLength) throw new ProtocolError('malformed', 'the offer is too long');
  const lines = sdp.split(/\r\n|\n|\r/);
  const sections = lines.filter((line) => line.startsWith('m='));
  if (sections.length !== 1 || !sections[0]?.startsWith('m=application '))
    throw new ProtocolError('malformed', 'the offer is not for one data channel');
  // SDP attribute names are case-sensitive (RFC 8866 §5.13), parsers not always: anything alike counts.
  const fingerprints = lines.filter((line) => /^a\s*=\s*fingerprint/i.test(line));
  const match = /^a=fingerprint:sha-256 ([0-9A-Fa-f:]+)$/i.exec(fingerprints[0]?.trimEnd() ?? '');
  const fingerprint = (match?.[1] ?? '').toUpperCase();
  if (fingerprints.length !== 1 || !sha256Form.test(fingerprint))
    throw new ProtocolError('malformed', 'the offer has not exactly one sha-256 fingerprint');
  return { sdp, fingerprint };
}
