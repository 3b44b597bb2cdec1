import type { FileHandle } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { Log } from '../../base/log.ts'
import type { InlineSources } from '../response/page-policy.ts'
import type { Coding } from '../response/negotiation.ts'
import { inlineSources, MOST_INLINE } from './inline-sources.ts'

const CHUNK_BYTES = 64 * 1024
/** For some ten thousand pages, as builds write them. */
const CACHE_BYTES = 8 * 1024 * 1024

const DECODERS = { br: createBrotliDecompress, gzip: createGunzip }

/** Of what has no inline sources, such as a script. */
export const NO_INLINE: InlineSources = { scripts: '', styles: '', handlers: '' }

/**
 * Remembers the inline sources of pages for as long as their files stay the same. Each is read once, whoever asks
 * meanwhile.
 */
export function createInlineCache(log: Log) {
  const known = new LRUCache<string, InlineSources>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ scripts, styles, handlers }, key) =>
      key.length + scripts.length + styles.length + handlers.length,
  })
  const reading = new Map<string, Promise<InlineSources>>()

  async function read(path: string, file: FileHandle, coding: Coding | null): Promise<InlineSources> {
    try {
      const bytes = Readable.from(bytesOf(file), { objectMode: false })
      const { left, ...sources } = await inlineSources(
        coding === null ? bytes : pipeline(bytes, DECODERS[coding](), () => {}),
      )
      if (left > 0)
        log.warn(
          { event: 'page_inline_limit', path, most: MOST_INLINE, blocked: left },
          'a page has more inline scripts or styles than its policy may list; browsers block the rest',
        )
      return sources
    } catch (error) {
      // Such as a damaged compressed copy, which browsers cannot read either.
      log.warn({ event: 'page_unreadable', path, error }, 'failed to read a page for its inline scripts')
      return NO_INLINE
    }
  }

  return {
    /**
     * @param path names the file in the log
     * @param file open; stays open
     * @param coding of its bytes; what browsers decode is read, in case a compressed copy differs
     */
    async of(path: string, file: FileHandle, coding: Coding | null): Promise<InlineSources> {
      const { dev, ino, mtimeNs, size } = await file.stat({ bigint: true })
      const key = `${dev} ${ino} ${mtimeNs} ${size}`
      const cached = known.get(key)
      if (cached !== undefined) return cached
      const pending = reading.get(key) ?? read(path, file, coding)
      reading.set(key, pending)
      const sources = await pending
      known.set(key, sources)
      reading.delete(key)
      return sources
    },
  }
}

export type InlineCache = ReturnType<typeof createInlineCache>

/** A stream of Node's own would close the file when reading ends early. */
async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(CHUNK_BYTES), position })
    if (bytesRead === 0) return
    position += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
