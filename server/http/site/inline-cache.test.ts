import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { captureLog } from '../../base/log.testing.ts'
import { createInlineCache, NO_INLINE } from './inline-cache.ts'
import { MOST_INLINE } from './inline-sources.ts'

function stage(content: string | Buffer) {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-inline-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'index.html')
  writeFileSync(path, content)
  const { log, events } = captureLog()
  const cache = createInlineCache(log)
  const reads: number[] = []
  /** Opens the file as each request does, and counts what is read of it. */
  async function ask(coding: 'br' | 'gzip' | null = null) {
    const file = await open(path)
    const read = file.read.bind(file) as (options: object) => ReturnType<FileHandle['read']>
    Object.assign(file, {
      read: async (options: { position: number }) => {
        if (options.position === 0) reads.push(1)
        return read(options)
      },
    })
    try {
      return await cache.of('/index.html', file, coding)
    } finally {
      await file.close()
    }
  }
  return { path, events, reads, ask }
}

test('a page is read once for all who ask at the same time, and again when its file has changed', async () => {
  const { path, reads, ask } = stage('<script>one()</script>')
  const [first, ...others] = await Promise.all([ask(), ask(), ask()])
  expect([first?.scripts.startsWith("'sha256-"), reads.length]).toEqual([true, 1])
  for (const other of [...others, await ask()]) expect(other).toEqual(first)
  expect(reads.length).toBe(1)
  writeFileSync(path, '<script>another()</script>')
  expect((await ask()).scripts).not.toBe(first?.scripts)
  expect(reads.length).toBe(2)
})

test('a compressed copy is hashed as browsers decode it', async () => {
  const page = `<script>one()</script>${'<p>filler'.repeat(50_000)}`
  expect(await stage(gzipSync(page)).ask('gzip')).toEqual(await stage(page).ask())
})

test('a copy that cannot be read has no hashes, and is logged once', async () => {
  const { events, ask } = stage('damaged')
  expect([await ask('gzip'), await ask('gzip')]).toEqual([NO_INLINE, NO_INLINE])
  expect(events().map(({ event }) => event)).toEqual(['page_unreadable'])
})

test('more scripts than a header holds are logged once, with their number', async () => {
  const { events, ask } = stage(Array.from({ length: MOST_INLINE + 2 }, (_, i) => `<script>a(${i})</script>`).join(''))
  await ask()
  await ask()
  expect(events()).toMatchObject([{ event: 'page_inline_limit', path: '/index.html', most: MOST_INLINE, blocked: 2 }])
})
