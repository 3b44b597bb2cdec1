import { createRequire } from 'node:module'
import { CALLS } from '../../contract/calls/all-calls.ts'
import { type Call, type CallName, TAGS } from '../../contract/calls/call.ts'
import { cookieName } from '../../session/cookie-names.ts'
import type { ApiDescription, JsonSchema, Operation, Parameter, Reference, SecurityScheme } from './api-description.ts'
import { problemResponses, requestBody, responses } from './describe-bodies.ts'
import { jsonSchema, namedSchemas } from './json-schemas.ts'

const { version } = createRequire(import.meta.url)('../../../package.json') as { version: string }

const ABOUT = `The calls of a browser to the server that signs it in. Nobody sends or receives a token: the session is in cookies that scripts cannot read, and any answer may renew them.

**Same origin.** Every call that changes something needs \`Sec-Fetch-Site: same-origin\`, which browsers send by themselves, or else an \`Origin\` that is exactly this site; otherwise it gets 403 \`cross_origin\`.

**Problems.** Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`; a navigation gets them as a page. Another method than those described gets 405 \`method_not_allowed\` with \`Allow\`; GET also answers HEAD.

**Times** are unix milliseconds. **Lists** come in pages: send \`next\` back as \`cursor\`. No answer about a person may be stored.

Calls below \`/api/\` belong to the upstreams, which describe them.`

const PARAMETERS: Record<string, Parameter> = {
  SecFetchSite: {
    name: 'Sec-Fetch-Site',
    in: 'header',
    required: false,
    description: 'Sent by browsers. Required of programs unless they send `Origin`.',
    schema: { type: 'string', enum: ['same-origin'] },
  },
  Origin: {
    name: 'Origin',
    in: 'header',
    required: false,
    description: 'The origin of this site, if it is sent.',
    schema: { type: 'string' },
  },
}

const HEADERS = {
  Location: { description: 'Where to go next', schema: { type: 'string' } },
  ETag: { description: 'Send it back as `If-None-Match`.', schema: { type: 'string' } },
  Allow: { description: 'The methods that there are', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds to wait', schema: { type: 'string', pattern: '^[0-9]+$' } },
  'Set-Cookie': { description: 'Cookies of the session, or of a step towards one', schema: { type: 'string' } },
}

const SECURITY: Record<'access' | 'refresh' | 'tests', SecurityScheme> = {
  access: {
    type: 'apiKey',
    in: 'cookie',
    name: cookieName('access', true),
    description: 'Set at sign-in, renewed every few minutes',
  },
  refresh: {
    type: 'apiKey',
    in: 'cookie',
    name: cookieName('refresh', true),
    description: 'Set at sign-in. It works once: the answer to its first use has the next.',
  },
  tests: { type: 'http', scheme: 'bearer', description: 'The value of `PORCHLIGHT_TEST_SIGN_IN`' },
}

/**
 * Describes every call, the demo's and the tests' included, for a site over https at an address that is left open.
 * `tailorDescription` makes it a running server's.
 */
export function describeApi(): ApiDescription {
  const paths: ApiDescription['paths'] = {}
  for (const [name, call] of CALLS) {
    const [method = '', path = ''] = name.split(' ')
    const item = (paths[path.replaceAll(/:(\w+)/g, '{$1}')] ??= {})
    item[method.toLowerCase()] = operation(name, call)
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Porchlight',
      version,
      summary: 'A backend for frontends: sign-in, sessions and people',
      description: ABOUT,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: namedSchemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: problemResponses(),
      securitySchemes: SECURITY,
    },
  }
}

function operation(name: CallName, call: Call): Operation {
  const { tag, id, summary, about } = call
  const parameters = parametersOf(name, call)
  const body = requestBody(call)
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(about === undefined ? {} : { description: about }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === null ? {} : { requestBody: body }),
    responses: responses(name, call),
    security: securityOf(call),
  }
}

function parametersOf(name: CallName, { path = {}, query, caller }: Call): (Parameter | Reference)[] {
  const properties = (query === undefined ? {} : jsonSchema(query)['properties']) as Record<string, JsonSchema>
  const changes = !name.startsWith('GET ') && caller !== 'server'
  return [
    ...Object.entries(path).map(([key, value]) =>
      parameter(key, 'path', typeof value === 'string' ? { ...TEXT, description: value } : jsonSchema(value)),
    ),
    ...Object.entries(properties).map(([key, schema]) => parameter(key, 'query', schema)),
    ...(changes ? Object.keys(PARAMETERS).map(key => ({ $ref: `#/components/parameters/${key}` })) : []),
  ]
}

const TEXT = { type: 'string', minLength: 1 }

/** The parameter has the description of its schema. */
function parameter(name: string, place: 'path' | 'query', { description, ...schema }: JsonSchema): Parameter {
  const about = typeof description === 'string' ? { description } : {}
  return { name, in: place, required: place === 'path', ...about, schema }
}

function securityOf({ caller }: Call): Operation['security'] {
  switch (caller) {
    case 'server':
      return []
    case 'tests':
      return [{ tests: [] }]
    case 'anyone':
      return [{}, { access: [] }, { refresh: [] }]
    case 'user':
    case 'administrator':
      return [{ access: [] }, { refresh: [] }]
    default:
      return caller satisfies never
  }
}
