import type { Browser } from 'playwright-core'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Email } from '../../server/contract/email.ts'
import { launchChromium } from '../support/chromium.ts'

let chromium: Browser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium?.close())

const LOCAL = ['a', "o'brien", 'a.b', '.a', 'a..b', 'a+b', '!#$%&*/=?^_`{|}~-', 'A', '1', 'ü', 'a b', '"a"', '']
const DOMAIN = [
  'b',
  'localhost',
  'example.org',
  'bücher.example',
  'xn--bcher-kva.example',
  '例え.テスト',
  'EXAMPLE.org',
  '1.2',
  '192.0.2.1',
  '-b',
  'b-',
  'b..c',
  'b.',
  'b_c',
  '[192.0.2.1]',
  'b c',
  'x'.repeat(63),
  'x'.repeat(64),
  '',
]

test("whatever the browser's own address field takes and sends is taken here", async () => {
  const page = await chromium.newPage()
  await page.setContent('<input type="email" required>')
  const typed = LOCAL.flatMap(local => DOMAIN.map(domain => `${local}@${domain}`))
  const taken = await page.locator('input').evaluate((element, addresses) => {
    const input = element as unknown as { value: string; checkValidity(): boolean }
    return addresses
      .map(address => {
        input.value = address
        return input.checkValidity() ? { address, sent: input.value } : null
      })
      .filter(one => one !== null)
  }, typed)
  expect(taken.length).toBeGreaterThan(60)
  expect(taken.filter(({ sent }) => !v.is(Email, sent))).toEqual([])
})
