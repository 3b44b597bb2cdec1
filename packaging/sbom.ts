import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Manifest {
  name: string
  version: string
  dependencies: Record<string, string>
  /** Packages that are inside ours. */
  bundled: Record<string, string>
}
interface Lock {
  name: string
  version: string
  packages: Record<string, object>
}

/**
 * The bill of materials of the npm package: its production dependencies and what is bundled into it, in the versions that it was tested with.
 * @param lock our package-lock.json, which also has what only builds or tests
 * @param dist the folder of the built package
 * @returns CycloneDX, as JSON
 */
export function sbomOf(lock: string, dist: string): string {
  const { bundled, ...manifest } = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8')) as Manifest
  const { name, version } = manifest
  const dependencies = { ...manifest.dependencies, ...bundled }
  const temporary = mkdtempSync(join(tmpdir(), 'porchlight-sbom-'))
  // npm calls what it describes by the name of the folder.
  const folder = join(temporary, name)
  try {
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies }))
    const locked = JSON.parse(readFileSync(lock, 'utf8')) as Lock
    locked.packages[''] = { name, version, dependencies }
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...locked, name, version }))
    // Drops what the package does not need, and keeps every other version.
    npm(folder, 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--legacy-peer-deps')
    return npm(folder, 'sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--package-lock-only')
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

function npm(folder: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: 'pipe' })
}
