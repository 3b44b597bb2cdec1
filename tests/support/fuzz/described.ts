import type { ApiDescription, JsonSchema, Operation } from '../../../server/http/openapi/api-description.ts'

/** What makes a call succeed: values of its path, and a body. */
export interface Example {
  path?: Record<string, string>
  query?: Record<string, string>
  body?: object
  form?: Record<string, string>
}

/**
 * The description as a test wants it: with examples that are true here, and closed, so that a field of an answer that
 * is not described is an error. For clients it stays open: a field more must not break them.
 */
export function withExamples(described: ApiDescription, examples: Record<string, Example>): ApiDescription {
  const copy = structuredClone(described)
  for (const [name, schema] of Object.entries(copy.components.schemas)) if (!name.endsWith('Request')) close(schema)
  for (const operation of operationsOf(copy).values()) {
    const example = examples[operation.operationId]
    if (example === undefined) continue
    for (const parameter of operation.parameters ?? []) {
      if (!('name' in parameter)) continue
      const value = (parameter.in === 'path' ? example.path : example.query)?.[parameter.name]
      if (value !== undefined) Object.assign(parameter, { example: value })
    }
    const content = operation.requestBody?.content ?? {}
    give(content['application/json'], example.body)
    give(content['application/x-www-form-urlencoded'], example.form)
  }
  return copy
}

/** The operations by method and path: `GET /auth/people/{id}`. */
export function operationsOf({ paths }: ApiDescription): Map<string, Operation> {
  return new Map(
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]): [string, Operation] => [
        `${method.toUpperCase()} ${path}`,
        operation,
      ]),
    ),
  )
}

function give(media: object | undefined, example: object | undefined): void {
  if (media !== undefined && example !== undefined) Object.assign(media, { example })
}

function close(schema: JsonSchema): void {
  if (schema['properties'] !== undefined) schema['additionalProperties'] ??= false
  for (const value of Object.values(schema)) {
    if (Array.isArray(value)) value.filter(isObject).forEach(close)
    else if (isObject(value)) close(value)
  }
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null
}
