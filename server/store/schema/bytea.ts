import type { ColumnType } from 'kysely';

/** pg gives bytes as Buffer and takes any Uint8Array. */
export type Bytea = Uint8Array;
export type OptionalBytea = ColumnType<Uint8Array | null, Uint8Array | null | undefined, Uint8Array | null>;
