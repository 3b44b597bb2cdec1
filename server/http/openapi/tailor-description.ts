import type { Call } from '../../contract/calls/call.ts'
import { cookieName } from '../../session/cookie-names.ts'
import type { ApiDescription, Parameter, PathItem } from './api-description.ts'

interface Site {
  publicUrl: string
  secureCookies: boolean
  /** Calls that do not exist here. */
  without: readonly Call['tag'][]
}

/** The description as it holds for one server: its address, its cookies' names, and only the calls that it answers. */
export function tailorDescription(whole: ApiDescription, { publicUrl, secureCookies, without }: Site): ApiDescription {
  const isHere = (tag: string) => !without.some(absent => absent === tag)
  const paths = Object.entries(whole.paths)
    .map(([path, item]): [string, PathItem] => [
      path,
      Object.fromEntries(Object.entries(item).filter(([, { tags }]) => isHere(tags[0]))),
    ])
    .filter(([, item]) => Object.keys(item).length > 0)
  const { securitySchemes, schemas, responses, parameters, headers } = whole.components
  const schemes = Object.entries(securitySchemes)
    .filter(([name]) => name !== 'tests' || isHere('Tests'))
    .map(([name, scheme]) => {
      const isCookie = name === 'access' || name === 'refresh'
      return [name, isCookie ? { ...scheme, name: cookieName(name, secureCookies) } : scheme]
    })
  const described = Object.fromEntries(paths)
  const kept = referredTo(responses, 'responses', [described])
  return {
    ...whole,
    // Not the exact version, which would tell what is not mended yet (ASVS 13.4.6).
    info: { ...whole.info, version: whole.info.version.split('.').slice(0, 2).join('.') },
    servers: [{ url: publicUrl }],
    tags: whole.tags.filter(({ name }) => isHere(name)),
    paths: described,
    components: {
      parameters: { ...parameters, ...originOf(publicUrl, parameters['Origin']) },
      headers,
      responses: kept,
      schemas: referredTo(schemas, 'schemas', [described, kept]),
      securitySchemes: Object.fromEntries(schemes) as typeof securitySchemes,
    },
  }
}

/** The only origin that may be sent. */
function originOf(publicUrl: string, parameter: Parameter | undefined): Record<string, Parameter> {
  return parameter === undefined ? {} : { Origin: { ...parameter, schema: { const: new URL(publicUrl).origin } } }
}

/** Those components of one kind that something refers to, directly or by way of each other. */
function referredTo<T>(all: Record<string, T>, kind: string, from: readonly unknown[]): Record<string, T> {
  const found = new Set<string>()
  const reference = new RegExp(`"#/components/${kind}/(\\w+)"`, 'g')
  const follow = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(reference)) {
      if (found.has(name)) continue
      found.add(name)
      follow(all[name])
    }
  }
  from.forEach(follow)
  return Object.fromEntries(Object.entries(all).filter(([name]) => found.has(name)))
}
