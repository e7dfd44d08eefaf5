import type { HTMLInputAttributes } from 'svelte/elements';

type Attributes = Pick<
  HTMLInputAttributes,
  'type' | 'inputmode' | 'placeholder' | 'autocapitalize' | 'spellcheck' | 'maxlength'
> & { readonly mono?: boolean };

const asTyped: Attributes = { autocapitalize: 'off', spellcheck: false };

/** Kept from browsers' own ideas: what is typed into a vault is for the vault, so nothing is filled in or remembered. */
const attributes: Readonly<Record<string, Attributes>> = {
  login: asTyped,
  url: { ...asTyped, type: 'url', placeholder: 'https://' },
  rbiUrl: { ...asTyped, type: 'url', placeholder: 'https://' },
  email: { ...asTyped, type: 'email' },
  licenseNumber: { ...asTyped, mono: true },
  accountNumber: { ...asTyped, mono: true },
  groupNumber: { ...asTyped, mono: true },
  hostName: { ...asTyped, mono: true },
  port: { ...asTyped, inputmode: 'numeric', maxlength: 5, mono: true },
  region: { ...asTyped, placeholder: '+1' },
  number: { type: 'tel' },
  ext: { inputmode: 'numeric' },
  routingNumber: { ...asTyped, mono: true },
  cardExpirationDate: { inputmode: 'numeric', placeholder: 'MM/YYYY', maxlength: 7 },
};

/** How the input of a field type, or of a member of a value, behaves. */
export function inputAttributes(name: string): Attributes {
  return Object.hasOwn(attributes, name) ? (attributes[name] ?? {}) : {};
}
