import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../support/server.ts'

// A form without a method goes out as GET before its page has come to life, or with JavaScript off: what was typed, a
// password too, would stand in the address bar, the history and the log of a proxy.

const sources = globSync('web/{app,layers/*/app}/**/*.vue', { cwd: ROOT }).map(file => ({
  file,
  text: readFileSync(join(ROOT, file), 'utf8'),
}))
const tags = (name: string) =>
  sources.flatMap(({ file, text }) =>
    [...text.matchAll(new RegExp(`<${name}\\b(?:[^>"]|"[^"]*")*>`, 'g'))].map(([tag]) => ({ file, tag })),
  )

test('every form of the site is posted, to an address of its own', () => {
  const forms = tags('form')
  expect(forms.length).toBeGreaterThan(8)
  expect(forms.filter(({ tag }) => !/\smethod="post"/.test(tag) || !/\saction="\/[a-z/-]+"/.test(tag))).toEqual([])
})

test('no button changes how its form is sent, and a password is asked for inside of a form', () => {
  expect(
    [...tags('button'), ...tags('input'), ...tags('SubmitButton')].filter(({ tag }) =>
      /form-?(method|action)/i.test(tag),
    ),
  ).toEqual([])
  const asking = sources.filter(
    ({ file, text }) =>
      /<(?:New)?PasswordField\b|<input\b[^>]*type="password"/.test(text) &&
      // A field of forms, as is what it is made of.
      !file.endsWith('/NewPasswordField.vue') &&
      !text.includes('<form') &&
      !text.includes('v-model="password"'),
  )
  expect(asking.map(({ file }) => file)).toEqual([])
})

test('a button in no form says that it is none to submit', () => {
  expect(tags('button').filter(({ tag }) => !/\s:?type="/.test(tag))).toEqual([])
})
