import { escapeHtml } from '../base/escape-html.ts'
import type { Brand } from '../config/brand-settings.ts'
import type { Scheme } from '../config/palette.ts'
import type { Language } from '../contract/languages.ts'
import type { MailText, MailTexts } from './texts/mail-text.ts'

export interface RenderedMail {
  subject: string
  text: string
  html: string
}

/** A mail as plain text and as HTML that loads nothing, so that opening it tells nobody. */
export function renderMail(mail: MailText, texts: MailTexts, brand: Brand, language: Language): RenderedMail {
  return { subject: mail.subject, text: plainText(mail), html: html(mail, texts, brand, language) }
}

function plainText({ paragraphs, action, details, footnote }: MailText): string {
  return [
    ...paragraphs,
    ...(action === null ? [] : [action.href]),
    ...(details.length === 0 ? [] : [details.map(({ label, value }) => `${label}: ${value}`).join('\n')]),
    footnote,
  ]
    .join('\n\n')
    .concat('\n')
}

/** Tables and inline styles, because several mail programs know nothing else; the style element adds the dark scheme. */
function html(mail: MailText, { linkBelow }: MailTexts, brand: Brand, language: Language): string {
  const { palette } = brand
  const colour = (name: keyof typeof palette) => palette[name].light
  const soft = `color:${colour('ink-soft')};font-size:14px;line-height:1.5`
  const paragraph = (text: string) => `<p style="margin:0 0 16px">${escapeHtml(text)}</p>`
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escapeHtml(mail.subject)}</title>
<style>:root{color-scheme:light dark}@media (prefers-color-scheme:dark){${darkRules(brand)}}</style>
</head>
<body class="paper" style="margin:0;padding:0;background:${colour('paper')}">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="paper" style="background:${colour('paper')}"><tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:520px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','PingFang SC','Microsoft YaHei',sans-serif;font-size:16px;line-height:1.6">
<tr><td class="ink" style="padding:0 4px 16px;font-weight:600;color:${colour('ink')}">${escapeHtml(brand.name)}</td></tr>
<tr><td class="surface ink" style="background:${colour('surface')};color:${colour('ink')};border:1px solid ${colour('line')};border-radius:12px;padding:28px 28px 12px">
${mail.paragraphs.map(paragraph).join('\n')}
${mail.action === null ? '' : button(mail.action, linkBelow, { colour, soft })}
${mail.details.length === 0 ? '' : detailRows(mail.details, soft)}
</td></tr>
<tr><td class="soft" style="padding:16px 4px 0;${soft}">${escapeHtml(mail.footnote)}</td></tr>
</table>
</td></tr></table>
</body>
</html>
`
}

function button(
  { label, href }: { label: string; href: string },
  linkBelow: string,
  { colour, soft }: { colour: (name: 'button' | 'on-button' | 'accent') => string; soft: string },
): string {
  const link = escapeHtml(href)
  return `<table role="presentation" cellpadding="0" cellspacing="0" style="margin:8px 0 20px"><tr><td class="button" style="background:${colour('button')};border-radius:8px"><a class="on-button" href="${link}" style="display:inline-block;padding:12px 20px;font-weight:600;text-decoration:none;color:${colour('on-button')}">${escapeHtml(label)}</a></td></tr></table>
<p class="soft" style="margin:0 0 16px;${soft}">${escapeHtml(linkBelow)}<br><a class="link" href="${link}" style="color:${colour('accent')};word-break:break-all">${link}</a></p>`
}

function detailRows(details: MailText['details'], soft: string): string {
  const rows = details.map(
    ({ label, value }) =>
      `<tr><td class="soft" style="padding:2px 16px 2px 0;white-space:nowrap;vertical-align:top;${soft}">${escapeHtml(label)}</td><td style="padding:2px 0;font-size:14px;line-height:1.5">${escapeHtml(value)}</td></tr>`,
  )
  return `<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 16px">${rows.join('')}</table>`
}

function darkRules({ palette }: Brand): string {
  const scheme: Scheme = 'dark'
  const rules = {
    paper: `background:${palette.paper[scheme]}`,
    surface: `background:${palette.surface[scheme]};border-color:${palette.line[scheme]}`,
    ink: `color:${palette.ink[scheme]}`,
    soft: `color:${palette['ink-soft'][scheme]}`,
    button: `background:${palette.button[scheme]}`,
    'on-button': `color:${palette['on-button'][scheme]}`,
    link: `color:${palette.accent[scheme]}`,
  }
  return Object.entries(rules)
    .map(([name, style]) => `.${name}{${style.replaceAll(/;|$/g, ' !important;')}}`)
    .join('')
}
