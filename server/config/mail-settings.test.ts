import { describe, expect, test } from 'vitest'
import { OperatorError } from '../base/operator-error.ts'
import { loadConfig } from './load-config.ts'
import { readMailUrl, readSender } from './mail-settings.ts'

const brief = (url: string) => {
  const read = readMailUrl(url)
  return read && { ...read, auth: read.auth && `${read.auth.user}:${read.auth.password.reveal()}` }
}

describe('mailUrl', () => {
  test.each([
    ['smtps://mail.example.org', { host: 'mail.example.org', port: 465, tls: 'implicit', auth: null }],
    ['smtp://mail.example.org', { host: 'mail.example.org', port: 587, tls: 'starttls', auth: null }],
    ['smtp://127.0.0.1:1025', { host: '127.0.0.1', port: 1025, tls: 'none', auth: null }],
    ['smtp://localhost:25?tls=starttls', { host: 'localhost', port: 25, tls: 'starttls', auth: null }],
    ['smtp://mailpit:1025?tls=off', { host: 'mailpit', port: 1025, tls: 'none', auth: null }],
    ['smtp://[::1]:25', { host: '::1', port: 25, tls: 'none', auth: null }],
    [
      'smtps://a%40b.example:p%2Fs%3A@mail.example.org:2465/',
      { host: 'mail.example.org', port: 2465, tls: 'implicit', auth: 'a@b.example:p/s:' },
    ],
  ])('%s', (url, expected) => expect(brief(url)).toEqual(expected))

  test.each([
    'mail.example.org',
    'https://mail.example.org',
    'smtp://',
    'smtp://mail.example.org/inbox',
    'smtp://mail.example.org?tls=maybe',
    'smtps://mail.example.org?tls=off',
    'smtp://mail.example.org?tls=off&x=1',
    'smtp://user@mail.example.org',
    'smtp://user:%zz@mail.example.org',
    'smtp://mail.example.org#tls',
  ])('is not %s', url => expect(readMailUrl(url)).toBeNull())
})

describe('mailFrom', () => {
  test.each([
    ['login@example.org', { address: 'login@example.org', name: null }],
    ['Example <login@example.org>', { address: 'login@example.org', name: 'Example' }],
    ['"Example, Inc." <login@example.org>', { address: 'login@example.org', name: 'Example, Inc.' }],
    ['示例 <login@example.org>', { address: 'login@example.org', name: '示例' }],
    ['<login@example.org>', { address: 'login@example.org', name: null }],
  ])('%s', (text, expected) => expect(readSender(text)).toEqual(expected))

  test.each([
    'login',
    'a@b@c',
    'Example login@example.org',
    'a@example.org, b@example.org',
    'X\r\nBcc: e@x.org <a@b.org>',
  ])('is not %j', text => expect(readSender(text)).toBeNull())
})

describe('the two settings', () => {
  const problemOf = (env: Record<string, string>) =>
    loadConfig(env, '/nonexistent').then(
      () => '',
      (error: unknown) => (error instanceof OperatorError ? error.advice.join('\n') : String(error)),
    )

  test('need each other', async () => {
    expect(await problemOf({ PORCHLIGHT_MAIL_URL: 'smtp://localhost' })).toContain('PORCHLIGHT_MAIL_FROM')
    expect(await problemOf({ PORCHLIGHT_MAIL_FROM: 'a@example.org' })).toContain('PORCHLIGHT_MAIL_URL')
  })
  test('never show the password: not in a problem, and not in the report', async () => {
    const wrong = await problemOf({ PORCHLIGHT_MAIL_URL: 'smpt://porch:hunter22@mail.example.org' })
    expect(wrong).toContain('PORCHLIGHT_MAIL_URL')
    expect(wrong).not.toContain('hunter22')
    const env = {
      PORCHLIGHT_MAIL_URL: 'smtps://porch:hunter22@mail.example.org',
      PORCHLIGHT_MAIL_FROM: 'a@example.org',
    }
    const { config, report } = await loadConfig(env, '/nonexistent')
    expect(config.mail?.server.auth?.password.reveal()).toBe('hunter22')
    expect(JSON.stringify([report, config])).not.toContain('hunter22')
  })
})
