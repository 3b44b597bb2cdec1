import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Makes the script for other front ends: one small module, types and comments gone. */
export async function buildClient(): Promise<string> {
  // Large, and wanted only where something is built.
  const { transform } = await import('esbuild')
  const source = await readFile(join(import.meta.dirname, 'client', 'porchlight.ts'), 'utf8')
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'es2022', minify: true })
  return code
}
