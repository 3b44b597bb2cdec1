import { randomInt } from 'node:crypto'
import { afterAll, expect } from 'vitest'
import { Visitor } from '../support/client.ts'
import { mailpit, testWith } from '../support/faults/machine.ts'
import { startMailpit } from '../support/faults/mailpit.ts'
import { codeIn, setUp, signIn, somebody } from '../support/people.ts'
import { type Server, sleep, startServer, stopAll } from '../support/server.ts'

/** Within the writes in a row of one account. */
const INVITATIONS = 40
const KILLS = 5

afterAll(stopAll)

const settings = (url: string) => ({ MAIL_URL: url, MAIL_FROM: 'Porch <login@porch.example>' })

testWith(mailpit)(
  `a real mail server gets every mail while the sender is killed ${KILLS} times: once, or twice under one name`,
  async () => {
    const post = await startMailpit()
    const start = (of?: Server) =>
      startServer({ settings: settings(post.url), ...(of && { dataDir: of.dataDir, port: of.port }) })
    let server = await start()
    const { browser: admin } = await setUp(server.origin)
    const invited = Array.from({ length: INVITATIONS }, () => somebody().email)
    for (const email of invited) {
      const answer = await admin.post('/auth/invites', { email, send: true })
      expect(answer.json()).toMatchObject({ sent: true })
    }
    for (let n = 0; n < KILLS; n++) {
      await sleep(randomInt(50, 400))
      await server.stop('SIGKILL')
      server = await start(server)
    }
    const arrived = async () => (await post.messages()).filter(({ To: [to] }) => invited.includes(to?.Address ?? ''))
    await expect
      .poll(async () => new Set((await arrived()).map(({ To: [to] }) => to?.Address)).size, { timeout: 60_000 })
      .toBe(INVITATIONS)
    const names = (await arrived()).map(({ MessageID }) => MessageID)
    expect(new Set(names).size, 'one name each').toBe(INVITATIONS)
    expect(names.length).toBeLessThanOrEqual(INVITATIONS + KILLS)
    await post.stop()
  },
)

testWith(mailpit)(
  'a mail server that is away holds nothing up, and gets the mail once it is back; the link in it works',
  async () => {
    const post = await startMailpit()
    const server = await startServer({ settings: settings(post.url) })
    const { person } = await setUp(server.origin)
    await post.stop()
    const asked = await new Visitor(server.origin).post('/auth/password/forgot', { email: person.email })
    expect(asked.status).toBe(202)
    await expect.poll(() => server.output, { timeout: 30_000 }).toContain('mail_server_unavailable')
    const back = await startMailpit(post.at)
    const reset = async () => (await back.messages()).find(({ Subject }) => Subject.startsWith('Set a new password'))
    await expect.poll(reset, { timeout: 90_000 }).toBeDefined()
    const mail = await reset()
    const [link = ''] = /https?:\/\/\S+/.exec(await back.text(mail?.ID ?? '')) ?? []
    const { password } = somebody()
    const used = await new Visitor(server.origin).post('/auth/reset', { code: codeIn(link), password })
    expect(used.status).toBe(200)
    await signIn(server.origin, { ...person, password })
    expect(await back.support(mail?.ID ?? ''), 'of what mail programs support').toBeGreaterThan(85)
    await back.stop()
  },
)
