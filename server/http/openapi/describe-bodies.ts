import type { Answer, Call, CallName } from '../../contract/calls/call.ts'
import { problemsOf } from '../../contract/calls/problems-of.ts'
import { PROBLEM_CODES, type ProblemCode, PROBLEMS } from '../../contract/problem-codes.ts'
import type { Content, JsonSchema, Reference, RequestBody, Response } from './api-description.ts'
import { jsonSchema } from './json-schemas.ts'

const FORM = 'application/x-www-form-urlencoded'

/** @returns null for a call without a body */
export function requestBody({ body, form }: Call): RequestBody | null {
  const content: Content = {}
  if (body !== undefined) content['application/json'] = { schema: jsonSchema(body) }
  if (form !== undefined)
    content[FORM] = { schema: form === 'also' && body !== undefined ? formOf(body) : jsonSchema(form as never) }
  return Object.keys(content).length === 0 ? null : { required: body !== undefined, content }
}

/** The fields of a JSON body as a form has them: all are text, and a ticked box has any. */
function formOf(body: NonNullable<Call['body']>): JsonSchema {
  const { properties, required } = jsonSchema({ ...body }) as {
    properties: Record<string, JsonSchema>
    required: string[]
  }
  const fields = Object.entries(properties).map(([name, schema]): [string, JsonSchema] => [
    name,
    schema['type'] === 'boolean' ? { type: 'string', description: 'Any value: yes' } : schema,
  ])
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries(fields),
      returnTo: { type: 'string', description: 'A path of this site to go to in the end' },
    },
    required,
    additionalProperties: false,
  }
}

/** By status: what the call answers, and the problems that it can meet. */
export function responses(name: CallName, call: Call): Record<string, Response | Reference> {
  const answers = Object.entries(call.answers).map(([status, answer]) => [status, response(answer)] as const)
  const byStatus = Map.groupBy(problemsOf(name, call), code => PROBLEMS[code].status)
  const problems = [...byStatus].map(([status, codes]) => {
    const [only = ''] = codes
    return [String(status), codes.length === 1 ? { $ref: `#/components/responses/${only}` } : problem(codes)] as const
  })
  return Object.fromEntries([...answers, ...problems])
}

/** Each problem by itself, for the calls that meet only one with its status. */
export function problemResponses(): Record<ProblemCode, Response> {
  return Object.fromEntries(PROBLEM_CODES.map(code => [code, problem([code])])) as Record<ProblemCode, Response>
}

function response({ about, type, schema, headers = [] }: Answer): Response {
  return {
    description: about,
    ...(headers.length === 0 ? {} : { headers: references(headers) }),
    ...(type === undefined
      ? {}
      : { content: { [type]: { schema: schema === undefined ? { type: 'string' } : jsonSchema(schema) } } }),
  }
}

function problem(codes: readonly ProblemCode[]): Response {
  const { status } = PROBLEMS[codes[0] as ProblemCode]
  return {
    description: codes.map(code => `\`${code}\`: ${PROBLEMS[code].title}.`).join('\n\n'),
    ...(status === 405 ? { headers: references(['Allow']) } : {}),
    ...(status === 429 || status === 503 ? { headers: references(['Retry-After']) } : {}),
    content: {
      'application/problem+json': {
        schema: {
          allOf: [{ $ref: '#/components/schemas/ProblemBody' }],
          properties: { status: { const: status }, code: { enum: codes } },
        },
      },
      'text/html': { schema: { type: 'string' } },
    },
  }
}

const references = (names: readonly string[]) =>
  Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]))
