import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema'
import type * as v from 'valibot'
import * as apps from '../../contract/app-list.ts'
import * as discovery from '../../contract/calls/discovery-calls.ts'
import * as proof from '../../contract/demo/wire-proof.ts'
import * as reasons from '../../contract/end-reasons.ts'
import * as problems from '../../contract/problem-codes.ts'
import * as wire from '../../contract/wire.ts'
import type { JsonSchema } from './api-description.ts'

type Schema = v.GenericSchema<unknown, unknown>

/** What the contract exports under a name keeps that name. */
const NAMED: Record<string, Schema> = Object.fromEntries(
  [reasons, problems, wire, apps, discovery, proof]
    .flatMap<[string, unknown]>(module => Object.entries(module))
    .filter((entry): entry is [string, Schema] => isSchema(entry[1])),
)

const CONFIG: ConversionConfig = {
  target: 'draft-2020-12',
  definitions: NAMED,
  // What they do to a value has no word in JSON Schema, and what they accept is said by the other actions.
  ignoreActions: ['trim', 'readonly'],
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  // Said in so many words, because it is a decision.
  overrideSchema: ({ valibotSchema, jsonSchema }) =>
    valibotSchema.type === 'loose_object' ? { ...jsonSchema, additionalProperties: true } : undefined,
  // Patterns of JSON Schema are read with the flag `u` anyway (JSON Schema Core §6.4).
  overrideAction: ({ valibotAction, jsonSchema }) =>
    isRegex(valibotAction) ? { ...jsonSchema, pattern: valibotAction.requirement.source } : undefined,
}

/** The schemas with a name. */
export function namedSchemas(): Record<string, JsonSchema> {
  return toJsonSchemaDefs(NAMED, CONFIG) as Record<string, JsonSchema>
}

/** One schema, which refers to those with a name. */
export function jsonSchema(schema: Schema): JsonSchema {
  const { $schema: _, $defs: __, ...rest } = toJsonSchema(schema, CONFIG)
  return rest as JsonSchema
}

function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'schema'
}

function isRegex<A extends object>(action: A): action is A & { requirement: RegExp } {
  return 'type' in action && action.type === 'regex'
}
