/** Bytes as the key of a map: one character for each. Shorter to make than base64, and as good a name. */
export function byteName({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}
