/** From this size on a chunk is worth being freed by hand. */
export const LARGE_BYTES = 16 * 1024

/**
 * Frees the memory of a chunk that has left. Otherwise it would wait for the collector, which the growing pile calls
 * for a collection of everything, and each chunk would be read into memory that no cache of the processor knows. One
 * that shares its memory with something else is left alone.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
