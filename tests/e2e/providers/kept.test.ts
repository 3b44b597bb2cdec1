import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LinksAnswer } from '../../../server/contract/wire.ts'
import en from '../../../web/i18n/locales/en.json' with { type: 'json' }
import zh from '../../../web/i18n/locales/zh-CN.json' with { type: 'json' }
import { Visitor } from '../../support/client.ts'
import { arriveFrom, type HostileStage, hostileStage, somebodyAt } from '../../support/hostile-stage.ts'
import { stopAll } from '../../support/server.ts'

let stage: HostileStage
beforeAll(async () => {
  stage = await hostileStage()
})
afterAll(async () => {
  await stage?.stop()
  await stopAll()
})

/** Everything in the data folder and the log, as bytes. */
function everythingKept(): string {
  const { dataDir, output } = stage.server
  const files = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    .map(name => join(dataDir, name))
    .filter(path => statSync(path).isFile())
  return [output, ...files.map(path => readFileSync(path, 'latin1'))].join('\n')
}

/** What a provider may tell beyond what is asked. */
const MORE = {
  phone_number: '+49 941 5550143',
  birthdate: '1984-02-29',
  picture: 'https://pictures.example/p-771',
  address: { street_address: 'Ostengasse 27' },
  nickname: 'Lanternina',
}
const MORE_TEXTS = ['941 5550143', '1984-02-29', 'pictures.example', 'Ostengasse', 'Lanternina']

test('of what a provider tells, the name, its number and a checked address are kept: nothing more, as the page says', async () => {
  somebodyAt(stage.hostile, {
    sub: 'number-5521',
    name: 'Lena Torweg',
    email: 'lena@unchecked.example',
    email_verified: false,
    ...MORE,
  })
  const unchecked = await arriveFrom(stage.hostile, stage.server.origin)
  somebodyAt(stage.hostile, {
    sub: 'number-5522',
    name: 'Paul Torweg',
    email: 'paul@checked.example',
    email_verified: true,
    ...MORE,
  })
  const checked = await arriveFrom(stage.hostile, stage.server.origin)
  const linkOf = async (browser: Visitor) => (await browser.get('/auth/links')).json<LinksAnswer>().links
  expect(await linkOf(unchecked)).toMatchObject([{ email: null, label: 'Lena Torweg' }])
  expect(await linkOf(checked)).toMatchObject([{ email: 'paul@checked.example', label: 'paul@checked.example' }])
  const kept = everythingKept()
  for (const text of ['number-5521', 'Lena Torweg', 'number-5522', 'Paul Torweg', 'paul@checked.example'])
    expect(kept, text).toContain(text)
  for (const text of ['lena@unchecked.example', ...MORE_TEXTS, ...stage.hostile.secrets])
    expect(kept, text).not.toContain(text)
})

test.each([
  ['en', en],
  ['zh-CN', zh],
] as const)('the sign-in page says so before anybody signs in, without JavaScript, in %s', async (language, words) => {
  const page = await new Visitor(stage.server.origin).page('/sign-in', { 'accept-language': language })
  const text = page.text.replaceAll('&#39;', "'")
  for (const each of [words.provider.kept, words.provider.keptText]) expect(text).toContain(each)
})
