/** From this size on, freeing a chunk explicitly pays off. */
export const LARGE_BYTES = 16 * 1024

/**
 * Frees the memory of a chunk that has been sent. Left to the garbage collector, chunks would pile up until a full
 * collection, and each new chunk would be read into memory that is in no CPU cache. Memory that is shared with other
 * views is left alone.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
