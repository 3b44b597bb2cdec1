import { describeApi } from '../../../server/http/openapi/describe-api.ts'
import type { JsonSchema, Operation, Parameter, Reference } from '../../../server/http/openapi/api-description.ts'

const api = describeApi()
const METHODS = ['get', 'post', 'put', 'patch', 'delete']
const TOKENS_OF_TESTS = 'tests'
/** Common to every call; named once, in the page's introduction. */
const EVERYWHERE = [
  'bad_path',
  'bad_request',
  'duplicate_cookies',
  'wrong_host',
  'headers_too_large',
  'internal',
  'store_unavailable',
]

/** Every call, by the tags of the description. */
export function callSections(): string {
  return api.tags
    .map(({ name, description }) => {
      const calls = Object.entries(api.paths).flatMap(([path, item]) =>
        METHODS.flatMap(method => {
          const operation = item[method]
          return operation?.tags[0] === name ? [callSection(method, path, operation)] : []
        }),
      )
      return [`## ${name}`, description, ...calls].join('\n\n')
    })
    .join('\n\n')
}

/** Every named type that a call takes or answers. */
export function typeSections(): string {
  const types = Object.entries(api.components.schemas).sort(([a], [b]) => a.localeCompare(b))
  return types.map(([name, schema]) => [`### ${name}`, ...typeBody(schema)].join('\n\n')).join('\n\n')
}

function callSection(method: string, path: string, operation: Operation): string {
  const { summary, description, security, responses } = operation
  const parameters = (operation.parameters ?? []).filter((each): each is Parameter => !('$ref' in each))
  const json = operation.requestBody?.content['application/json']
  const form = operation.requestBody?.content['application/x-www-form-urlencoded']
  const own = Object.entries(responses).filter(([status]) => Number(status) < 400)
  const codes = Object.values(responses)
    .flatMap(response => codesIn(response))
    .filter(code => !EVERYWHERE.includes(code))
  return [
    `### \`${method.toUpperCase()} ${path}\``,
    sentence(summary) + (description === undefined ? '' : ` ${description}`),
    [
      `- ${callers(security)}`,
      ...parameters.map(({ name, in: place, description: about = '' }) => `- ${place} \`${name}\`: ${about}`),
      ...(json === undefined
        ? []
        : [`- takes ${typeName(json.schema)} as JSON${form === undefined ? '' : ', or a form'}`]),
      ...own.map(([status, response]) => `- ${status}: ${'$ref' in response ? '' : answer(response)}`),
      ...(codes.length === 0 ? [] : [`- refuses with ${codes.map(code => `\`${code}\``).join(', ')}`]),
    ].join('\n'),
  ].join('\n\n')
}

function callers(security: Operation['security']): string {
  const ways = security.flatMap(each => Object.keys(each))
  if (ways.length === 0) return 'for programs: no cookie is read'
  if (ways.includes(TOKENS_OF_TESTS))
    return 'for tests: `Authorization: Bearer` with the value of `PORCHLIGHT_TEST_SIGN_IN`'
  return security.some(each => Object.keys(each).length === 0) ? 'for anybody' : 'for people who are signed in'
}

function answer({
  description,
  content,
}: {
  description: string
  content?: Record<string, { schema: JsonSchema | Reference }>
}): string {
  const schema = content?.['application/json']?.schema
  return schema === undefined ? description : `${typeName(schema)}. ${description}`
}

/** The codes of a response, whether it stands here or is shared. */
function codesIn(response: object): string[] {
  const whole = '$ref' in response ? api.components.responses[String(response.$ref).replace(/.*\//, '')] : response
  return [...JSON.stringify(whole).matchAll(/"code":\{"enum":(\[[^\]]*\])/g)].flatMap(
    ([, list = '[]']) => JSON.parse(list) as string[],
  )
}

function typeBody(schema: JsonSchema): string[] {
  const {
    properties,
    required = [],
    description,
  } = schema as {
    properties?: Record<string, JsonSchema>
    required?: string[]
    description?: string
  }
  const about = description === undefined ? [] : [description]
  if (properties === undefined) return [...about, sentence(typeName(schema))]
  const rows = Object.entries(properties).map(([name, each]) => {
    const optional = required.includes(name) ? '' : ' (optional)'
    return `| \`${name}\`${optional} | ${cell(typeName(each))} | ${cell(String(each['description'] ?? ''))} |`
  })
  return [...about, ['| field | type | |', '|---|---|---|', ...rows].join('\n')]
}

function typeName(schema: JsonSchema | Reference): string {
  const { $ref, anyOf, type, items, properties, ...rest } = schema as Record<string, unknown>
  if (typeof $ref === 'string') {
    const name = $ref.replace(/.*\//, '')
    return `[${name}](#${name.toLowerCase()})`
  }
  if (Array.isArray(anyOf)) return anyOf.map(each => typeName(each as JsonSchema)).join(' or ')
  if (Array.isArray(rest['enum'])) return rest['enum'].map(each => `\`${String(each)}\``).join(', ')
  if (rest['const'] !== undefined) return `\`${String(rest['const'])}\``
  if (type === 'array') return `list of ${typeName(items as JsonSchema)}`
  if (type === 'object' && typeof properties === 'object' && properties !== null)
    return `{ ${Object.keys(properties).join(', ')} }`
  return typeof type === 'string' ? type : 'any'
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`)
