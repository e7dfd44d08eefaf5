// Records as people have them: mostly logins, some of everything else, a few hundred bytes to a few kilobytes each.
import { createHash } from 'node:crypto';

const words =
  'amber harbour lantern meadow orchard pebble quarry river saddle timber valley willow anchor beacon copper delta'.split(
    ' ',
  );
const services = 'Mail Shop Bank Wiki Forum Tickets Router Printer Calendar Billing Payroll Storage'.split(
  ' ',
);
const folders = ['Work', 'Work/Servers', 'Work/Clients', 'Home', 'Home/Travel', 'Archive'];

/** What every eleventh title begins with: a search for it finds many. */
export const commonWord = 'harbour';
/** Title of a record that is there once. */
export function rareTitle(count: number): string {
  return `Zephyr ${count}`;
}

/** A file of another vault with `count` items, the same for the same count. */
export function sampleVault(count: number): Uint8Array<ArrayBuffer> {
  const items = Array.from({ length: count }, (_, at) => sampleItem(at, count));
  const named = folders.map((name, at) => ({ id: String(at), name }));
  return new TextEncoder().encode(JSON.stringify({ encrypted: false, folders: named, items }));
}

function sampleItem(at: number, count: number) {
  const title = at === count - 1 ? rareTitle(count) : `${pick(words, at, 1)} ${pick(services, at, 2)} ${at}`;
  const common = { name: title, notes: notesOf(at), favorite: at % 50 === 0, ...placeOf(at) };
  if (at % 20 === 7) return { ...common, type: 2, notes: `${text(at, 900)}\n${text(at + 1, 900)}` };
  if (at % 20 === 13) return { ...common, type: 3, card: cardOf(at) };
  if (at % 20 === 17)
    return { ...common, type: 5, sshKey: { privateKey: text(at, 1_600), publicKey: text(at, 380) } };
  const host = `${pick(words, at, 3)}-${pick(words, at, 4)}.example`;
  return {
    ...common,
    type: 1,
    login: {
      username: `${pick(words, at, 5)}.${pick(words, at, 6)}@${host}`,
      password: text(at, 24),
      totp: at % 4 === 0 ? `otpauth://totp/${host}?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP` : null,
      uris: [{ uri: `https://${host}/account/login?from=${at}` }],
    },
    fields: at % 5 === 0 ? [{ name: 'Customer number', value: text(at, 12), type: 0 }] : [],
  };
}

/** Two of three are in a folder. */
function placeOf(at: number) {
  return { folderId: at % 3 === 0 ? null : String(at % folders.length) };
}

function notesOf(at: number): string | null {
  return at % 3 === 0 ? `Asked for by ${pick(words, at, 7)}. ${text(at, 120)}` : null;
}

function cardOf(at: number) {
  return {
    number: '4111111111111111',
    expMonth: '7',
    expYear: '2031',
    code: '123',
    cardholderName: text(at, 16),
  };
}

function pick(from: readonly string[], at: number, salt: number): string {
  return from[(at * 7 + at * salt * 13 + salt * 5) % from.length] ?? '';
}

/** Letters and digits that do not compress, the same for the same seed. */
function text(seed: number, length: number): string {
  let out = '';
  for (let block = 0; out.length < length; block++)
    out += createHash('sha512').update(`${seed}.${block}`).digest('base64url');
  return out.slice(0, length);
}
