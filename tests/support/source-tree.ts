import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'

export const ROOT = resolve(import.meta.dirname, '../..')

/** One import, export-from or dynamic import with a literal, as written in a file. */
export interface Import {
  from: string
  specifier: string
  target: string | null
}

const IGNORED = ['node_modules', '.nuxt', '.output', '.pages', '.vitepress']

/** Paths from the root, with forward slashes, sorted. */
export function files(pattern: string): string[] {
  return globSync(pattern, { cwd: ROOT, exclude: path => IGNORED.some(name => path.split('/').includes(name)) }).sort()
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Every import of a TypeScript or Vue file; `target` is the file it names, from the root, or null for a package. */
export function importsOf(path: string): Import[] {
  const text = path.endsWith('.vue') ? scripts(read(path)) : read(path)
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => ({
    from: path,
    specifier: fileName,
    target: fileName.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), fileName)) : null,
  }))
}

function scripts(vue: string): string {
  return [...vue.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(match => match[1]).join('\n')
}

/** `drizzle-orm/sqlite-core` → `drizzle-orm`, `@hono/node-server/x` → `@hono/node-server`, `node:fs` → null. */
export function packageOf(specifier: string): string | null {
  if (
    specifier.startsWith('.') ||
    specifier.startsWith('node:') ||
    specifier.startsWith('#') ||
    specifier.startsWith('~')
  )
    return null
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The first circle in a graph, as the nodes on it, or null. */
export function circle(graph: Map<string, string[]>): string[] | null {
  const done = new Set<string>()
  const path: string[] = []
  const walk = (node: string): string[] | null => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node]
    if (done.has(node)) return null
    path.push(node)
    for (const next of graph.get(node) ?? []) {
      const found = walk(next)
      if (found) return found
    }
    path.pop()
    done.add(node)
    return null
  }
  for (const node of graph.keys()) {
    const found = walk(node)
    if (found) return found
  }
  return null
}
