import type * as v from 'valibot'

/** A field of a group: its dotted path, what it expects, and whether it must be given. */
export interface Field {
  path: string
  type: string
  required: boolean
}

/** What a schema expects, in the sentence that `config check` prints when it is not met. */
export function expectedBy(schema: v.GenericSchema): string {
  const base = unwrap(schema)
  const messages = messagesOf(schema)
  const [first = nameOf(base)] = messages
  // "text" alone says less than the check behind it.
  return base.type === 'string' && first === 'text' ? (messages.find(message => message !== 'text') ?? first) : first
}

/** Every field of a group that is not a group itself, in the order of the schema. */
export function fieldsOf(schema: v.GenericSchema, prefix = ''): Field[] {
  const base = unwrap(schema)
  const entries = 'entries' in base ? (base.entries as Record<string, v.GenericSchema>) : {}
  return Object.entries(entries).flatMap(([key, entry]): Field[] => {
    const path = prefix + key
    const inner = unwrap(entry)
    const required = entry.type !== 'exact_optional' && entry.type !== 'optional'
    if (inner.type === 'strict_object') return fieldsOf(entry, `${path}.`)
    return [{ path, type: expectedBy(entry), required: required && prefix === '' }]
  })
}

/** Without what makes it optional, and without further checks. */
function unwrap(schema: v.GenericSchema): v.GenericSchema {
  if ('wrapped' in schema) return unwrap(schema.wrapped as v.GenericSchema)
  if ('pipe' in schema) {
    const [first] = schema.pipe as v.GenericSchema[]
    if (first !== undefined && first !== schema) return 'pipe' in first ? unwrap(first) : first
  }
  return schema
}

function messagesOf(schema: v.GenericSchema): string[] {
  if ('wrapped' in schema) return messagesOf(schema.wrapped as v.GenericSchema)
  const steps = 'pipe' in schema ? (schema.pipe as object[]) : [schema]
  return steps.flatMap(step => ('message' in step && typeof step.message === 'string' ? [step.message] : []))
}

function nameOf(schema: v.GenericSchema): string {
  if (schema.type === 'strict_object') return 'a group of fields'
  return schema.type === 'boolean' ? 'true or false' : schema.type
}
