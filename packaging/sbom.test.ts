import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { installIntoEmptyFolder } from '../tests/support/package.ts'
import { ROOT } from '../tests/support/server.ts'
import { sbomOf } from './sbom.ts'

interface Sbom {
  bomFormat: string
  specVersion: string
  metadata: { component: { name: string; version: string; type: string } }
  components: { name: string; version: string; purl: string; scope?: string }[]
}

/** CycloneDX's own schemas, and what its library needs to judge by them. */
const VALIDATOR = ['@cyclonedx/cyclonedx-library@10.3.0', 'ajv@8', 'ajv-formats@3', 'ajv-formats-draft2019@1']
const VALIDATE = `import { readFileSync } from 'node:fs'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
const text = readFileSync('sbom.json', 'utf8')
const wrong = await new Validation.JsonStrictValidator(Spec.Version[process.argv[2]]).validate(text)
console.log(JSON.stringify(wrong))
`

const text = sbomOf(join(ROOT, 'package-lock.json'), join(ROOT, 'dist'))
const sbom = JSON.parse(text) as Sbom

test('the bill of materials is valid CycloneDX, about this version of the package', async () => {
  expect(sbom.metadata.component).toMatchObject({ name: 'porchlight', type: 'library' })
  const { folder, run } = await installIntoEmptyFolder(...VALIDATOR)
  writeFileSync(join(folder, 'sbom.json'), text)
  writeFileSync(join(folder, 'validate.js'), VALIDATE)
  const versionName = `v${sbom.specVersion.replace('.', 'dot')}`
  expect(JSON.parse((await run('node', 'validate.js', versionName)).stdout)).toBe(null)
  writeFileSync(join(folder, 'sbom.json'), text.replace('"components"', '"parts"'))
  expect(JSON.parse((await run('node', 'validate.js', versionName)).stdout), 'a check that can fail').not.toBe(null)
})

test('it names exactly the production dependencies and what is bundled, and those of other machines as optional', async () => {
  const { run } = await installIntoEmptyFolder(inject('tarball'))
  const { stdout } = await run('npm', 'ls', '--all', '--parseable', '--omit=dev')
  const installed = new Set(
    stdout
      .trim()
      .split('\n')
      .slice(1)
      .map(path => path.replace(/^.*node_modules[/]/, ''))
      .filter(name => name !== 'porchlight'),
  )
  const named = new Map(sbom.components.map(({ name, scope }) => [name, scope]))
  expect([...installed].filter(name => !named.has(name))).toEqual([])
  const licences = globSync('dist/**/*.LICENSES.txt', { cwd: ROOT })
    .map(file => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n')
  const bundled = new Set([...licences.matchAll(/^(\S+) \d+\.\d+\.\S+ \(.+\)$/gm)].map(([, name = '']) => name))
  expect(bundled).toContain('nodemailer')
  expect(bundled).toContain('otpauth')
  expect([...bundled].filter(name => !named.has(name))).toEqual([])
  // A bundled package may declare what the part of it that we use does without, as otpauth does.
  const declared = new Set([...bundled].flatMap(dependenciesOf))
  const elsewhere = [...named].filter(([name]) => ![installed, bundled, declared].some(names => names.has(name)))
  expect(elsewhere.filter(([, scope]) => scope !== 'optional')).toEqual([])
  for (const { name, version, purl } of sbom.components)
    expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`)
})

function dependenciesOf(name: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  return Object.keys(dependencies)
}
