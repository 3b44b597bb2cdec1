import { afterAll, describe, expect, test } from 'vitest'
import { fetchAs, signInAs, signOut, startPorchlight } from '../../server/testing.ts'
import { launchChromium } from '../support/chromium.ts'
import { runCommand, spawnServer, startServer, type StartOptions, stopAll } from '../support/server.ts'

const ADA = { email: 'ada@example.org' }

test('signInAs replaces whoever was signed in, and signOut clears what the button clears', async () => {
  const site = await startPorchlight()
  const browser = await launchChromium()
  try {
    const context = await browser.newContext({ baseURL: site.origin })
    const page = await context.newPage()
    expect(await signInAs(page, { ...ADA, name: 'Ada Lovelace', amr: ['hwk'] })).toMatchObject({
      user: { ...ADA, name: 'Ada Lovelace', roles: ['user'] },
      session: { amr: ['hwk'] },
    })
    await page.goto('/account')
    expect(await page.content()).toContain('Ada Lovelace')
    await signInAs(context, { email: 'grace@example.org', roles: ['admin'] })
    await page.goto('/people')
    expect(await page.content()).toContain('grace@example.org')
    await signOut(page)
    expect((await page.goto('/account'))?.url()).toContain('/sign-in')
    const other = await browser.newContext()
    await expect(signInAs(other, ADA)).rejects.toThrow('which site? Give { origin }')
    expect(await signInAs(other.request, ADA, site)).toMatchObject({ user: ADA })
    const opened = await other.newPage()
    await opened.goto(`${site.origin}/account`)
    await signOut(opened)
    expect(await other.cookies()).toMatchObject([{ name: 'porchlight-device' }])
  } finally {
    await browser.close()
    await site.close()
  }
})

describe('a server with PORCHLIGHT_TEST_SIGN_IN', () => {
  const settings = { TEST_SIGN_IN: 'a-secret-that-only-tests-know' }
  const environment = { NODE_ENV: 'test' }
  afterAll(stopAll)

  test('warns in its log, in config check and in doctor, and shows the secret nowhere', async () => {
    const server = await startServer({ settings, environment })
    const ada = await fetchAs(server.origin, ADA, { secret: settings.TEST_SIGN_IN })
    expect((await ada('/account')).status).toBe(200)
    const { dataDir, port, origin } = server
    const all = { PUBLIC_URL: origin, PORT: String(port), ...settings }
    for (const command of [['config', 'check'], ['doctor']]) {
      const { output } = await runCommand(command, { dataDir, settings: all, environment })
      expect(output, command.join(' ')).toContain('Test sign-in is on')
      expect(output).not.toContain(settings.TEST_SIGN_IN)
    }
    await server.stop()
    expect(server.output).toContain('test_sign_in_enabled')
    expect(server.output).not.toContain(settings.TEST_SIGN_IN)
    expect(server.output).toMatch(/"event":"sign_in_succeeded","outcome":"success","method":"test","accountId":"test\./)
  })

  test.each<[string, StartOptions, string]>([
    ['that may be production', { settings }, 'set NODE_ENV=test beside it'],
    ['in production', { settings, environment: { NODE_ENV: 'production' } }, '(it is production)'],
    ['at a public address', { settings, environment, publicUrl: 'https://porch.example' }, 'is a public address'],
    ['open to others', { settings: { ...settings, HOST: '0.0.0.0' }, environment }, 'can be reached from others'],
  ])('refuses to start %s, with one sentence', async (_where, options, sentence) => {
    const server = await spawnServer(options)
    expect(await server.exit()).toBe(1)
    expect(server.output).toContain(sentence)
    expect(server.output.match(/PORCHLIGHT_/g)).toHaveLength(1)
    expect(server.output).not.toContain(settings.TEST_SIGN_IN)
  })
})
