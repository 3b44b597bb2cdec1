import { createHash } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** One file of the built site that a browser may ask for. */
export interface PublicFile {
  path: string
  type: string
  etag: string
  encodings: ('br' | 'gzip')[]
}

/** What may be served. Any other file in the folder, such as a source map, is not (ASVS 13.4). */
const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.html': 'text/html; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.xml': 'application/xml',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
  '.ico': 'image/x-icon',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}
const COMPRESSIBLE = /^(?:text\/|application\/(?:json|xml|manifest|wasm)|image\/(?:svg|x-icon))/
/** Below this size a compressed copy saves no packet. */
const WORTH_BYTES = 1024

const compress = { br: promisify(brotliCompress), gzip: promisify(gzip) }

/** Lists a folder of built files, and writes compressed copies of those that gain from it. */
export async function listPublicFiles(root: string): Promise<PublicFile[]> {
  const names = globSync('**/*', { cwd: root, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.name.startsWith('.') && TYPES[extname(entry.name)] !== undefined)
    .map(entry => join(entry.parentPath, entry.name))
  return Promise.all(names.sort().map(file => describe(root, file)))
}

async function describe(root: string, file: string): Promise<PublicFile> {
  const content = await readFile(file)
  const type = TYPES[extname(file)] ?? 'application/octet-stream'
  const encodings: PublicFile['encodings'] = []
  if (COMPRESSIBLE.test(type) && content.length >= WORTH_BYTES) {
    if (
      await layBeside(`${file}.br`, content, () =>
        compress.br(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
      )
    )
      encodings.push('br')
    if (await layBeside(`${file}.gz`, content, () => compress.gzip(content, { level: 9 }))) encodings.push('gzip')
  }
  const path = `/${relative(root, file).split(sep).join('/')}`
  return { path, type, etag: createHash('sha256').update(content).digest('base64url').slice(0, 22), encodings }
}

/** @returns whether there is a compressed copy */
async function layBeside(file: string, content: Buffer, make: () => Promise<Buffer>): Promise<boolean> {
  if (existsSync(file)) return true
  const smaller = await make()
  if (smaller.length >= content.length) return false
  await writeFile(file, smaller)
  return true
}
