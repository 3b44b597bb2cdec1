import { cpSync, existsSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

interface Manifest {
  name: string
  dependencies?: Record<string, string>
  /** Such as the compiled code for this machine. */
  optionalDependencies?: Record<string, string>
}

/** Whoever runs the server has chosen a Node already. */
const LEFT_OUT = new Set(['node'])

/**
 * Copies an installed package and everything that it depends on, so that a build can be moved to another machine. Its
 * dependencies go inside of it, where they meet no others.
 * @param from the folder of the package
 * @param to the folder `node_modules` that it goes into
 */
export function copyPackage(from: string, to: string): void {
  const { name } = manifestOf(from)
  const root = join(to, name)
  rmSync(root, { recursive: true, force: true })
  copyFolder(from, root)
  // The version of each package at the top; any other goes below the package that needs it.
  const placed = new Map<string, string>()
  const queue: { source: string; target: string }[] = [{ source: from, target: root }]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { dependencies, optionalDependencies = {} } = manifestOf(next.source)
    for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (LEFT_OUT.has(dependency)) continue
      const source = findPackage(dependency, next.source)
      if (source === null && dependency in optionalDependencies) continue
      if (source === null) throw new Error(`${name} needs ${dependency}, which is not installed. Install again.`)
      const known = placed.get(dependency)
      if (known === source) continue
      const target = join(known === undefined ? root : next.target, 'node_modules', dependency)
      if (known === undefined) placed.set(dependency, source)
      else if (existsSync(target)) continue
      copyFolder(source, target)
      queue.push({ source, target })
    }
  }
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** As Node looks it up: in each `node_modules` from the package's folder upwards. */
function findPackage(name: string, from: string): string | null {
  for (let folder = realpathSync(from); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate)
    if (folder === dirname(folder)) return null
  }
}

function copyFolder(from: string, to: string): void {
  const inner = join(realpathSync(from), 'node_modules') + sep
  cpSync(realpathSync(from), to, {
    recursive: true,
    dereference: true,
    filter: path => !`${path}${sep}`.startsWith(inner),
  })
}
