import * as v from 'valibot'

const CLAIM_FORM = 'the path of a member, such as roles, realm_access.roles or groups.name'
const VALUE_FORM = 'values of the claim: text of 1 to 200 characters, a whole number, true or false'
const SEPARATOR_FORM = 'the character between the values of a claim that is one text: one of , ; | or a space'

const value = v.union(
  [
    v.pipe(v.string(VALUE_FORM), v.minLength(1, VALUE_FORM), v.maxLength(200, VALUE_FORM)),
    v.pipe(v.number(VALUE_FORM), v.safeInteger(VALUE_FORM)),
    v.boolean(VALUE_FORM),
  ],
  VALUE_FORM,
)
const values = v.pipe(v.array(value, VALUE_FORM), v.minLength(1, 'at least one value'))

/** `roles` of a provider or token API, as an operator writes it. */
export const RoleMappingSetting = v.pipe(
  v.strictObject(
    {
      claim: v.pipe(v.string(CLAIM_FORM), v.minLength(1, CLAIM_FORM), v.maxLength(500, CLAIM_FORM)),
      separator: v.exactOptional(v.picklist([',', ';', '|', ' '], SEPARATOR_FORM)),
      admin: v.exactOptional(values),
      user: v.exactOptional(values),
    },
    // The library's own message quotes the input, which may be a secret in the wrong place.
    issue => (issue.received === 'undefined' ? 'a value' : 'a group of fields'),
  ),
  v.check(
    ({ separator, admin = [], user = [] }) =>
      separator === undefined || ![...admin, ...user].some(each => String(each).includes(separator)),
    'values that do not contain the separator: none of them could match',
  ),
)
type RoleMappingSetting = v.InferOutput<typeof RoleMappingSetting>

/** The claim and its values that make an administrator, and those that admit a user at all. */
export interface RoleMapping {
  claim: string
  /** What separates the values in a claim that is one text; null: such a claim is one value. */
  separator: string | null
  /** In their text form: `true` for true, `3` for 3. */
  admin: readonly string[]
  /** null: everyone. */
  user: readonly string[] | null
}

/** @returns null: roles are assigned here */
export function toRoleMapping(setting: RoleMappingSetting | undefined): RoleMapping | null {
  if (setting === undefined) return null
  const { claim, separator = null, admin = [], user } = setting
  return { claim, separator, admin: admin.map(String), user: user?.map(String) ?? null }
}
