import * as v from 'valibot'

const OPENER = ['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none'] as const
const EMBEDDER = ['require-corp', 'credentialless', 'unsafe-none'] as const
const RESOURCE = ['same-origin', 'same-site', 'cross-origin'] as const
const REFERRER = [
  'no-referrer',
  'no-referrer-when-downgrade',
  'same-origin',
  'origin',
  'strict-origin',
  'origin-when-cross-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
] as const
const PERMISSIONS =
  'features and who may use them, such as geolocation=(self), camera=(), in one line of at most 4000 characters'
/** RFC 8941 dictionaries, as far as Permissions-Policy uses them: an allowlist, one of its members, or `*`. */
const FEATURE = /^[a-z][a-z0-9-]*=(?:\*|self|\((?:(?:self|src|"[\x21\x23-\x5b\x5d-\x7e]+"|\*)(?: +(?!\))|(?=\))))*\))$/

const oneOf = <const Values extends readonly string[]>(values: Values) =>
  v.exactOptional(v.picklist(values, `one of ${values.join(', ')}`))

/** The field `headers` of the setting `site`: the value of each header, as text. */
export const HeadersSetting = v.strictObject({
  permissionsPolicy: v.exactOptional(
    v.pipe(
      v.string(PERMISSIONS),
      v.maxLength(4000, PERMISSIONS),
      v.check(value => value.trim() === '' || value.split(',').every(part => FEATURE.test(part.trim())), PERMISSIONS),
    ),
  ),
  crossOriginOpenerPolicy: oneOf(OPENER),
  crossOriginEmbedderPolicy: oneOf(EMBEDDER),
  crossOriginResourcePolicy: oneOf(RESOURCE),
  referrerPolicy: oneOf(REFERRER),
})
export type HeadersSetting = v.InferOutput<typeof HeadersSetting>

/** A header of the site's pages. */
export interface SiteHeader {
  /** Such as `Permissions-Policy`. */
  name: string
  /** Empty: the header is not sent. */
  value: string
}

/** permissionsPolicy → Permissions-Policy */
export function toSiteHeaders(setting: HeadersSetting = {}): SiteHeader[] {
  return Object.entries(setting).map(([key, value]) => ({
    name: key.replace(/^[a-z]/, letter => letter.toUpperCase()).replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-'),
    value: value.trim(),
  }))
}
