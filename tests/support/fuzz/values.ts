import fc from 'fast-check'
import type * as v from 'valibot'

/** Text that parsers, databases, logs and pages have stumbled over. */
const HOSTILE_TEXT = [
  '',
  ' ',
  '%',
  '%zz',
  '%00',
  '%c0%af',
  '\u0000',
  '\r\n',
  '\r\nSet-Cookie: a=b',
  '..',
  '../../etc/passwd',
  '\\',
  '"',
  "'",
  '`',
  '<script>alert(1)</script>',
  '{{7*7}}',
  '${7*7}',
  '\u202e',
  '\ufeff',
  '\ud800',
  '\udfff',
  '👩‍👩‍👧',
  'ﷺ',
  'i̇',
  'ß',
  '\u2028',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  'true',
  '0',
  '-1',
  '1e309',
  "' OR 1=1 --",
  'a'.repeat(300),
  'é'.repeat(5000),
  'javascript:alert(1)',
  '//evil.example',
  'https://evil.example/',
  'data:text/html,x',
  '[object Object]',
  '😀'.repeat(200),
  '/'.repeat(50),
]

/** Numbers that code takes for seconds, indexes or sizes. */
const HOSTILE_NUMBERS = [
  0,
  -0,
  -1,
  0.5,
  1e-9,
  1_795_870_570.8765433,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  8.64e15,
  8.65e15,
  1e17,
  1e21,
  1e300,
  -1e300,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
]

export const hostileText = (): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constantFrom(...HOSTILE_TEXT), weight: 4 },
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ maxLength: 20 }),
  )

const hostileNumber = (): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(...HOSTILE_NUMBERS), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer())

/** Any JSON, and what comes close to it. */
export const hostileValue = (): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: hostileText(), weight: 3 },
    { arbitrary: hostileNumber(), weight: 3 },
    fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { '': '' }, { length: 1e9 }),
    fc.array(hostileText(), { maxLength: 3 }),
    fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>,
  )

/** One thing that is done to a field of an object. */
export type Twist =
  | { field: string; does: 'is gone' }
  | { field: string; does: 'is'; value: unknown }
  | { field: string; does: 'is shifted'; by: number }

/** @param fields names worth twisting; now and then another is added */
export function twists(fields: readonly string[], most = 3): fc.Arbitrary<Twist[]> {
  const field = fc.oneof({ arbitrary: fc.constantFrom(...fields), weight: 9 }, { arbitrary: hostileText(), weight: 1 })
  return fc.array(
    fc.oneof(
      fc.record({ field, does: fc.constant('is gone' as const) }),
      fc.record({ field, does: fc.constant('is' as const), value: hostileValue() }),
      fc.record({ field, does: fc.constant('is shifted' as const), by: hostileNumber() }),
    ),
    { maxLength: most },
  )
}

export function twist(object: Record<string, unknown>, all: readonly Twist[]): void {
  for (const each of all) {
    if (each.does === 'is gone') Reflect.deleteProperty(object, each.field)
    else if (each.does === 'is') define(object, each.field, each.value)
    else if (typeof object[each.field] === 'number') object[each.field] = (object[each.field] as number) + each.by
  }
}

/** `__proto__` is a name like any other in JSON. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}

interface AnySchema {
  type: string
  entries?: Record<string, AnySchema>
  item?: AnySchema
  wrapped?: AnySchema
  options?: readonly unknown[]
  pipe?: readonly { type: string }[]
}

/** Values that a schema of the contract takes, or nearly. What a pipe checks beyond the kind is left to chance. */
export function fromSchema(
  schema: v.GenericSchema | v.GenericSchemaAsync,
  known: Record<string, fc.Arbitrary<unknown>> = {},
): fc.Arbitrary<unknown> {
  return valuesOf(schema as unknown as AnySchema, known, '')
}

function valuesOf(
  schema: AnySchema,
  known: Record<string, fc.Arbitrary<unknown>>,
  name: string,
): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'strict_object':
    case 'object':
      return objectOf(schema.entries ?? {}, known)
    case 'optional':
    case 'exact_optional':
    case 'nullable':
      return fc.option(valuesOf(schema.wrapped ?? { type: 'unknown' }, known, name), { nil: undefined, freq: 2 })
    case 'array':
      return fc.array(valuesOf(schema.item ?? { type: 'unknown' }, known, name), { maxLength: 4 })
    case 'picklist':
      return fc.constantFrom(...(schema.options ?? ['']))
    case 'boolean':
      return fc.boolean()
    case 'number':
      return hostileNumber()
    case 'string':
      return known[name] === undefined ? hostileText() : fc.oneof({ arbitrary: known[name], weight: 4 }, hostileText())
    default:
      return hostileValue()
  }
}

function objectOf(
  entries: Record<string, AnySchema>,
  known: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(entries).map(([name, schema]) => [name, valuesOf(schema, known, name)] as const)
  return fc.tuple(fc.record(Object.fromEntries(fields)), twists(Object.keys(entries), 2)).map(([object, changes]) => {
    const twisted = { ...object }
    twist(twisted, changes)
    return twisted
  })
}
