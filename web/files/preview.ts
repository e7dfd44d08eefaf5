/** What a file is, judged by its own first bytes: what its name or media type says may be a lie. */
export type Preview =
  | { readonly kind: 'image'; readonly type: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'none' };

const mostImage = 20 * 1024 * 1024;
const mostText = 256 * 1024;
const textual =
  /\.(asc|cfg|conf|cnf|crt|csr|csv|env|html?|ini|json|key|log|md|ovpn|pem|properties|pub|sh|sql|svg|toml|tsv|txt|xml|ya?ml)$/i;

/** Formats that a browser draws and that run nothing. SVG and HTML are text here. */
const images: readonly (readonly [type: string, fits: (bytes: Uint8Array) => boolean])[] = [
  ['image/png', (bytes) => startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ['image/jpeg', (bytes) => startsWith(bytes, [0xff, 0xd8, 0xff])],
  ['image/gif', (bytes) => ['GIF87a', 'GIF89a'].includes(ascii(bytes, 0, 6))],
  ['image/webp', (bytes) => ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP'],
  ['image/avif', (bytes) => ascii(bytes, 4, 12) === 'ftypavif'],
];

/** Whether a look inside may be offered; only the bytes themselves say what it is. */
export function mayPreview({
  name,
  mediaType,
  size,
}: {
  name: string;
  mediaType: string;
  size: number;
}): boolean {
  if (/^image\/(png|jpeg|gif|webp|avif)$/.test(mediaType)) return size <= mostImage;
  return size <= mostText && (textual.test(name) || /^text\/|[/+](json|xml|yaml)$/.test(mediaType));
}

/** Judges the bytes of a whole file. */
export function previewOf(bytes: Uint8Array): Preview {
  const image = images.find(([, fits]) => fits(bytes));
  if (image) return bytes.length <= mostImage ? { kind: 'image', type: image[0] } : { kind: 'none' };
  const text = bytes.length <= mostText ? textOf(bytes) : null;
  return text === null ? { kind: 'none' } : { kind: 'text', text };
}

/** Null for what is not UTF-8, or has bytes that no text has. */
function textOf(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null; // not a text
  }
}

function startsWith(bytes: Uint8Array, start: readonly number[]): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
