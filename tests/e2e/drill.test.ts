import { afterAll, expect, test } from 'vitest'
import { runCommand, stopAll, temporaryFolder } from '../support/server.ts'

afterAll(stopAll)

test('porchlight drill tries a server of its own and leaves nothing behind: exit 0', { timeout: 120_000 }, async () => {
  const { code, output } = await runCommand(['drill'], { dataDir: temporaryFolder() })
  expect(output).toContain('All checks passed.')
  expect(code).toBe(0)
})
