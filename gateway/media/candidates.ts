import { isIP } from 'node:net';

/**
 * Whether a candidate says an address (RFC 8839 §5.1). Browsers hide addresses of their own behind names (`….local`), which a gateway
 * seldom can look up, and needs not: it learns the address from the page's first check. The library would look up any
 * name, in one of the few threads that carry everybody's sessions, for as long as the system's resolver waits (decision 17).
 */
export function saysAddress(candidate: string): boolean {
  const [, , , , address = ''] = candidate.trim().split(/\s+/);
  return isIP(address) !== 0;
}

/** The description without the candidates that are names. */
export function withoutNames(sdp: string): string {
  const lines = sdp.split(/(?<=\n)/);
  return lines.filter((line) => !/^a\s*=\s*candidate/i.test(line) || saysAddress(line)).join('');
}
