import { describe, expect, test } from 'vitest'
import { toBrand } from '../config/brand-settings.ts'
import { LANGUAGES } from '../contract/languages.ts'
import { MAIL_KINDS } from '../contract/mail-kinds.ts'
import { mailRecord } from '../store/records.testing.ts'
import { messageFor } from './compose-mail.ts'
import { writeMail } from './write-mail.ts'

const config = { publicUrl: 'https://porch.example:8443', brand: toBrand({ name: 'Smith & <Sons>' }) }
const deps = { config, describeDevice: () => ({ browser: 'Firefox', system: 'Linux', kind: 'desktop' }) as const }
const CONTENTS = { href: 'https://porch.example:8443/reset#code=a%26b', lifeMs: 30 * 60_000, by: 'Ann <admin>' }

describe.each(LANGUAGES)('in %s', language => {
  test.each(MAIL_KINDS)('%s says everything in both forms, and loads nothing', kind => {
    const bringsLink = kind === 'reset' || kind === 'invitation'
    const record = mailRecord('m', { kind, language, userAgent: 'UA', network: '192.0.2.1' })
    const { subject, text, html } = writeMail(record, bringsLink ? CONTENTS : null, deps)
    expect(subject).toContain('Smith & <Sons>')
    for (const written of [subject, text, html]) expect(written).not.toMatch(/undefined|null|\[object|NaN/)
    expect(html).toContain('Smith &#38; &#60;Sons&#62;')
    expect(html).toContain(`<html lang="${language}">`)
    expect(html).not.toMatch(/<(?:img|script|link|iframe)|url\(|@import|https?:\/\/(?!porch\.example)/)
    if (bringsLink) {
      expect(text).toContain(CONTENTS.href)
      expect(html).toContain('href="https://porch.example:8443/reset#code=a%26b"')
    }
    if (kind === 'invitation') expect(html).toContain('Ann &#60;admin&#62;')
    if (language === 'zh-CN') expect(subject).toMatch(/\p{Script=Han}/u)
  })
})

test('a notice says when, from which device and network, and leads to the account', () => {
  const record = mailRecord('m', {
    kind: 'new_device',
    userAgent: 'UA',
    network: '192.0.2.1',
    createdAt: Date.UTC(2026, 0, 2),
  })
  const { text } = writeMail(record, null, deps)
  for (const part of ['January 2, 2026', 'Firefox on Linux', '192.0.2.1', 'https://porch.example:8443/account'])
    expect(text).toContain(part)
})

test('a message is named by its mail, answered by no machine, and has no header that a name could add', async () => {
  const mail = {
    server: { host: 'localhost', port: 25, tls: 'none', auth: null } as const,
    from: { address: 'login@bücher.example', name: 'A"\\, B' },
  }
  const record = mailRecord('id-1', { address: 'Ann@EXAMPLE.org' })
  const rendered = { subject: 'Hello\r\nBcc: eve@example.org', text: 'text', html: '<p>text</p>' }
  const { envelope, message } = await messageFor(record, rendered, { ...config, mail })
  expect(envelope).toEqual({ from: 'login@xn--bcher-kva.example', to: 'Ann@example.org' })
  const [head = ''] = message.toString().split('\r\n\r\n')
  expect(head).toContain('Message-ID: <id-1@porch.example>')
  expect(head).toContain('Auto-Submitted: auto-generated')
  expect(head).not.toMatch(/^Bcc:/m)
})
