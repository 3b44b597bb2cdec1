import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Builds the script for other front ends: one small module without types and comments. */
export async function buildClient(): Promise<string> {
  // Large, and needed only for a build.
  const { transform } = await import('esbuild')
  const source = await readFile(join(import.meta.dirname, '..', 'web', 'client', 'porchlight.ts'), 'utf8')
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'es2022', minify: true })
  return code
}
