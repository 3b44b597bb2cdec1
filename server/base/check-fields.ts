import * as v from 'valibot'
import { describeFields } from '../contract/fields.ts'
import { Problem } from './problem.ts'

/**
 * Reads what was sent by its schema.
 * @param whole what to call it when nothing in particular is wrong, but all of it
 * @throws Problem `invalid_body` with what is wrong by field
 */
export function checkFields<S extends v.GenericSchema<unknown, unknown>>(
  schema: S,
  value: unknown,
  whole = 'body',
): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new Problem('invalid_body', { fields: describeFields(result.issues, whole) })
}
