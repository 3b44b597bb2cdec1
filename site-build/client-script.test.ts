import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { buildClient } from './client-script.ts'

const LIMIT_BYTES = 2048

test('the client script is small, whole, and imports nothing', async () => {
  const script = await buildClient()
  expect(Buffer.byteLength(script)).toBeLessThanOrEqual(LIMIT_BYTES)
  expect(gzipSync(script).length).toBeLessThanOrEqual(LIMIT_BYTES / 2)
  expect(script).not.toMatch(/\bimport\b|\brequire\b|localStorage|sessionStorage|document\.cookie/)
  // Two tabs, or a module and a copy of it, would each be right: it runs twice without harm.
  expect(script).toMatch(/globalThis,\{porchlight:/)
})
