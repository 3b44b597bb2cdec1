import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

/** A picture of the brand, read at start and served from memory. */
export interface BrandImage {
  type: 'image/svg+xml' | 'image/png'
  content: Buffer
  /** In CSS pixels, or whatever an SVG's viewBox counts: only their ratio matters. */
  width: number
  height: number
}

const MAX_BYTES = 256 * 1024
const MAX_PIXELS = 4096
const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/**
 * Reads an SVG or PNG file, whatever its name says.
 * @param folder the folder that a relative path starts from
 * @returns a picture, or what is wrong with the file
 */
export function readBrandImage(path: string, folder: string): BrandImage | { failure: string } {
  const content = contentOf(resolve(folder, path))
  if (!Buffer.isBuffer(content)) return content
  const image = asPng(content) ?? asSvg(content)
  if (image === null) return { failure: 'it is neither a PNG nor an SVG with a viewBox or a width and height' }
  const { width, height } = image
  if (image.type === 'image/png' && Math.max(width, height) > MAX_PIXELS)
    return { failure: `it has ${width} × ${height} pixels, more than ${MAX_PIXELS} on a side` }
  return image
}

function contentOf(file: string): Buffer | { failure: string } {
  try {
    const stat = statSync(file)
    if (!stat.isFile()) return { failure: 'it is not a file' }
    if (stat.size > MAX_BYTES) return { failure: `it has ${stat.size} bytes, more than ${MAX_BYTES}` }
    return readFileSync(file)
  } catch (error) {
    return { failure: (error as NodeJS.ErrnoException).code ?? 'unreadable' }
  }
}

/** @see PNG (third edition) §5.2 signature, §11.2.1 IHDR */
function asPng(content: Buffer): BrandImage | null {
  if (content.length < 33 || !content.subarray(0, 8).equals(PNG_SIGNATURE)) return null
  if (content.toString('latin1', 12, 16) !== 'IHDR') return null
  const [width, height] = [content.readUInt32BE(16), content.readUInt32BE(20)]
  return width > 0 && height > 0 ? { type: 'image/png', content, width, height } : null
}

/** What may stand before the root element: a byte order mark, the declaration, comments, a document type. */
const PROLOG = /^\ufeff?(?:\s+|<\?[^>]*>|<!--(?:(?!-->)[\s\S])*-->|<!DOCTYPE[^>[]*(?:\[[^\]]*\])?[^>]*>)*/i

function asSvg(content: Buffer): BrandImage | null {
  const text = textOf(content)
  const root = text === null ? null : /^<svg(?=[\s>])((?:[^>"']|"[^"]*"|'[^']*')*)>/.exec(text.replace(PROLOG, ''))
  if (!root) return null
  const attribute = (name: string) => new RegExp(`\\s${name}\\s*=\\s*["']([^"']*)["']`).exec(root[1] ?? '')?.[1] ?? ''
  const box = attribute('viewBox')
    .trim()
    .split(/[\s,]+/)
    .map(Number)
  const [width = NaN, height = NaN] =
    box.length === 4 ? box.slice(2) : ['width', 'height'].map(name => lengthOf(attribute(name)))
  return width > 0 && height > 0 && width + height < Infinity ? { type: 'image/svg+xml', content, width, height } : null
}

function lengthOf(text: string): number {
  return /^\s*[\d.]+(?:px)?\s*$/.test(text) ? parseFloat(text) : NaN
}

function textOf(content: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
  } catch {
    return null
  }
}
