import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { Secret } from '../base/secret.ts'
import { isMountPoint, mountPointsIn, writeAtomically } from '../base/private-files.ts'
import { openKeys } from './keys.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'porchlight-keys-'))
  file = join(folder, 'keys', 'keys.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (mayCreate = true) => openKeys({ file }, mayCreate, 1000)

test('the key file is created once, readable by its owner only, in a folder of the same permissions', () => {
  const { id } = open().list()[0] ?? { id: null }
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'keys')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(folder, 'keys'))).toEqual(['keys.json'])
  expect(open(false).list()).toEqual([{ id, createdAt: 1000, replacedAt: null }])
})

test('a missing key file next to a database is refused, and none is created', () => {
  expect(() => open(false)).toThrow(OperatorError)
  expect(() => open(false)).toThrow(/is missing/)
  expect(existsSync(file)).toBe(false)
})

test('a corrupt key file is refused and left unchanged', () => {
  open()
  for (const text of ['', '{"version":1', readFileSync(file, 'utf8').replace('"roots"', '"rots"')]) {
    writeFileSync(file, text)
    expect(() => open()).toThrow(/cannot be used/)
    expect(readFileSync(file, 'utf8')).toBe(text)
  }
})

test('ASVS 11.2.2 after a rotation the new root seals, the old one still opens, and both are on disk', async () => {
  const keys = open()
  const sealed = keys.keyring.seal('access', { n: 1 })
  const newest = keys.rotate(2000)
  expect(keys.keyring.currentId).toBe(newest.id)
  expect(await keys.keyring.open('access', sealed)).toEqual({ n: 1 })
  const again = open()
  expect(again.list().map(key => key.replacedAt)).toEqual([null, 2000])
  expect(await again.keyring.open('access', sealed)).toEqual({ n: 1 })
})

test('a retired root is removed from the file and opens nothing; the newest can never be retired', async () => {
  const keys = open()
  const sealed = keys.keyring.seal('access', { n: 1 })
  const secret = readFileSync(file, 'utf8').match(/"secret": "([^"]+)"/)?.[1]
  keys.rotate(2000)
  expect(keys.retire(keys.list().map(key => key.id))).toBe(1)
  expect(keys.list()).toHaveLength(1)
  expect(await keys.keyring.open('access', sealed)).toBeNull()
  expect(readFileSync(file, 'utf8')).not.toContain(secret)
})

test('the counter is stored in the file and survives a rotation', () => {
  const keys = open()
  expect(keys.counter()).toBe(0)
  keys.setCounter(7)
  keys.rotate(2000)
  expect(open().counter()).toBe(7)
})

test('keys given as content work but cannot be changed', () => {
  open()
  const keys = openKeys({ content: new Secret(readFileSync(file, 'utf8')) }, false, 1000)
  expect(keys.keyring.currentId).toBe(open().keyring.currentId)
  expect(keys.counter()).toBeNull()
  expect(() => keys.rotate(2000)).toThrow(/come from the setting/)
  expect(() => keys.retire(['x'])).toThrow(OperatorError)
  expect(() => openKeys({ content: new Secret('canary') }, false, 1000)).toThrow(/^(?!.*canary)/)
})

test('a failed write leaves the old file intact', () => {
  const keys = open()
  const before = readFileSync(file, 'utf8')
  // A folder in place of the temporary file simulates a full disk.
  mkdirSync(`${file}.${process.pid}.tmp`)
  expect(() => keys.rotate(2000)).toThrow()
  expect(readFileSync(file, 'utf8')).toBe(before)
  expect(keys.list()).toHaveLength(1)
})

test('no temporary copy of the keys is left when the file cannot be replaced', () => {
  const path = join(folder, 'is-a-folder.json')
  mkdirSync(path)
  expect(() => writeAtomically(path, 'secret')).toThrow(/EISDIR|EPERM|ENOTEMPTY/)
  expect(readdirSync(folder).filter(name => name.includes('.tmp'))).toEqual([])
})

test("a mounted file is recognised by the system's mount table, whatever its name", () => {
  const line = (path: string) => `63 43 254:0 /srv/secret ${path} rw,relatime shared:1 - ext4 /dev/vda rw`
  const points = mountPointsIn([line('/'), line('/data/keys.json'), line('/my\\040data/a\\134b'), ''].join('\n'))
  for (const path of ['/', '/data/keys.json', '/my data/a\\b']) expect(points.has(path), path).toBe(true)
  for (const path of ['/data', '/data/keys', '/data/keys.json.1']) expect(points.has(path), path).toBe(false)
  expect(isMountPoint(join(folder, 'no-such-file'))).toBe(false)
})
