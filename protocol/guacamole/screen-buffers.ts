/** Buffers that guacd has not: of the images of which a part is seen, and of the pointer, in screens of a recording (protocol.md §25.10). */
export const screenBuffers = { scratch: -1_000_001, pointer: -1_000_002 } as const;
