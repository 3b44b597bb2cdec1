import { type BrotliCompress, constants, createBrotliCompress, createGzip, type Gzip } from 'node:zlib'
import type { Coding } from './negotiation.ts'

/**
 * Beyond this quality, more effort costs more time than it saves; the window just fits a page, so that many at once
 * need little memory.
 */
const BROTLI = {
  [constants.BROTLI_PARAM_QUALITY]: 4,
  [constants.BROTLI_PARAM_LGWIN]: 18,
  [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
}
const GZIP_LEVEL = 4

/** Compression runs on libuv's thread pool, so it does not block the event loop. */
export function compressor(coding: Coding): BrotliCompress | Gzip {
  return coding === 'br' ? createBrotliCompress({ params: BROTLI }) : createGzip({ level: GZIP_LEVEL })
}
