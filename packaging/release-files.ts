import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sectionOf } from './release-checks.ts'
import { sbomOf } from './sbom.ts'

/**
 * Builds and packs the package, and writes its bill of materials and checksums beside it into `.cache/release`; the
 * section of the changelog goes to `.cache/release-notes.md`.
 * @returns the checksums, as `sha256sum` prints them
 */
export function makeReleaseFiles(
  root: string,
  { version, changelog }: { version: string; changelog: string },
): string[] {
  const dist = join(root, 'dist')
  const target = join(root, '.cache', 'release')
  execFileSync('npm', ['run', '--silent', 'build:package'], { cwd: root, stdio: 'inherit' })
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  execFileSync('npm', ['pack', '--silent', '--pack-destination', target], { cwd: dist })
  writeFileSync(join(target, `porchlight-${version}.cdx.json`), sbomOf(join(root, 'package-lock.json'), dist))
  writeFileSync(join(root, '.cache', 'release-notes.md'), (sectionOf(changelog, version) ?? '').trimStart())
  const sums = readdirSync(target)
    .sort()
    .map(name => {
      const digest = createHash('sha256').update(readFileSync(join(target, name)))
      return `${digest.digest('hex')}  ${name}`
    })
  writeFileSync(join(target, 'SHA256SUMS'), sums.map(line => `${line}\n`).join(''))
  return sums
}
