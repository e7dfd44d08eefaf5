import { encodeBase64, encodeBase64url, encodeHex, utf8 } from '../bytes.ts';

/** Anything shorter is in every line by chance, and scrubbing it would tell more than it hides. */
const shortest = 4;
/** Distinct secrets in use at once: a few a session, for every session a gateway may have, and then some. */
const most = 4096;

/** Knows the secrets in use, in every form they could be written in, and takes them out of any text. */
export class Scrubber {
  readonly #forms = new Map<string, number>(); // form → holders

  /** From now on no text shows this secret, until the function returned is called. */
  hold(secret: string | Uint8Array): () => void {
    const forms = formsOf(secret);
    if (this.#forms.size + forms.length > most * 8) throw new RangeError('too many secrets in use');
    for (const form of forms) this.#forms.set(form, (this.#forms.get(form) ?? 0) + 1);
    let held = true;
    return () => {
      if (held) for (const form of forms) this.#letGo(form);
      held = false;
    };
  }

  scrub(text: string): string {
    let out = text;
    // Longest first, so that no shorter form leaves the rest of a longer one behind.
    for (const form of [...this.#forms.keys()].sort((a, b) => b.length - a.length)) {
      if (out.includes(form)) out = out.replaceAll(form, '[secret]');
    }
    return out;
  }

  #letGo(form: string): void {
    const holders = (this.#forms.get(form) ?? 1) - 1;
    if (holders > 0) this.#forms.set(form, holders);
    else this.#forms.delete(form);
  }
}

function formsOf(secret: string | Uint8Array): string[] {
  const bytes = typeof secret === 'string' ? utf8(secret) : secret;
  const binary = [encodeHex(bytes), ...[0, 1, 2].flatMap((offset) => base64At(bytes, offset))];
  const forms = typeof secret === 'string' ? [...textForms(secret), ...binary] : binary;
  return [...new Set(forms)].filter((form) => form.length >= shortest);
}

/** As it is, as JSON and URLs escape it, and line by line: a key file is printed in pieces. */
function textForms(secret: string): string[] {
  const escaped = JSON.stringify(secret).slice(1, -1);
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= 16 && !line.startsWith('-----'));
  return [
    secret,
    escaped,
    JSON.stringify(escaped).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    ...lines,
  ];
}

/** The part of the base64 that does not depend on what stands around, when the secret begins `offset` bytes in. */
function base64At(bytes: Uint8Array, offset: number): string[] {
  const padded = new Uint8Array(offset + bytes.length);
  padded.set(bytes, offset);
  const whole = Math.floor((padded.length * 8) / 6);
  const from = Math.ceil((offset * 8) / 6);
  return [encodeBase64(padded), encodeBase64url(padded)].map((text) => text.slice(from, whole));
}
