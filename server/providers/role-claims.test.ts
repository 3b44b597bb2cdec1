import { describe, expect, test } from 'vitest'
import { toRoleMapping } from '../config/role-mapping.ts'
import { lacksRoles, rolesOf, whyMissing } from './role-claims.ts'

const mapping = toRoleMapping({ claim: 'realm_access.roles', admin: ['boss'], user: ['staff', 'guest'] })
const claims = (roles: unknown) => ({ realm_access: { roles } })

test.each([
  ["one of the administrators' values", ['x', 'boss'], ['admin', 'user']],
  ["one of the users' values", ['guest'], ['user']],
  ['both', ['staff', 'boss'], ['admin', 'user']],
  ['a single value instead of a list', 'boss', ['admin', 'user']],
  ['none of them', ['x'], []],
  ['an empty list', [], []],
  ['no claim at all', undefined, []],
  ['null', null, []],
  ['values that only look alike', ['Boss', 'boss ', ' staff', ['boss'], { boss: true }], []],
  ['something that is no list', { boss: true }, []],
  ['true', true, []],
  ['a text that only contains them', 'boss, staff', []],
])('%s', (_what, value, roles) => {
  expect(rolesOf(claims(value), mapping)).toEqual(roles)
})

test('without values for users everyone is a user, and without a mapping roles are undecided', () => {
  const everyone = toRoleMapping({ claim: 'realm_access.roles', admin: ['boss'] })
  expect(rolesOf(claims([]), everyone)).toEqual(['user'])
  expect(rolesOf({}, everyone)).toEqual(['user'])
  expect(rolesOf(claims(['boss']), toRoleMapping(undefined))).toBeNull()
})

describe('an API of one\u2019s own writes roles as', () => {
  const rolesBy = (setting: Parameters<typeof toRoleMapping>[0], claim: unknown) =>
    rolesOf({ claim }, toRoleMapping(setting))

  test.each([
    [true, ['admin', 'user']],
    ['true', ['admin', 'user']],
    [false, ['user']],
    [1, ['user']],
    [null, ['user']],
    ['', ['user']],
    [undefined, ['user']],
  ])('a boolean: %j', (claim, roles) => {
    expect(rolesBy({ claim: 'claim', admin: [true] }, claim)).toEqual(roles)
  })

  test.each([
    [3, ['admin', 'user']],
    ['3', ['admin', 'user']],
    [
      [1, 3],
      ['admin', 'user'],
    ],
    [1, ['user']],
    [0, []],
    [-3, []],
    [3.5, []],
    ['3.0', []],
    [true, []],
    [NaN, []],
  ])('a number: %j', (claim, roles) => {
    expect(rolesBy({ claim: 'claim', admin: [3], user: [1, 2] }, claim)).toEqual(roles)
  })

  test('a number that JSON rounded is nobody\u2019s role', () => {
    expect(rolesBy({ claim: 'claim', admin: ['9007199254740992'] }, 2 ** 53)).toEqual(['user'])
  })

  test.each([
    [',', 'user, admin'],
    [',', 'admin'],
    [' ', 'user  admin'],
    [';', 'user;admin'],
    ['|', 'user|admin'],
  ] as const)('one text, separated by %j', (separator, claim) => {
    expect(rolesBy({ claim: 'claim', separator, admin: ['admin'] }, claim)).toEqual(['admin', 'user'])
    expect(rolesBy({ claim: 'claim', separator, admin: ['dmin'] }, claim)).toEqual(['user'])
  })

  test('a list, whose names are whole: a group may be called after its separator', () => {
    const setting = { claim: 'claim', separator: ',' as const, admin: ['admin'], user: ['user'] }
    expect(rolesBy(setting, ['user', 'admin'])).toEqual(['admin', 'user'])
    expect(rolesBy(setting, ['guests, admin'])).toEqual([])
    expect(rolesBy(setting, ['user', 'guests,admin'])).toEqual(['user'])
  })

  test('objects in a list, at any depth', () => {
    const groups = { groups: [{ role: { name: 'staff' } }, { role: { name: 'boss' } }, { role: null }] }
    const byName = toRoleMapping({ claim: 'groups.role.name', admin: ['boss'], user: ['staff'] })
    expect(rolesOf(groups, byName)).toEqual(['admin', 'user'])
    expect(rolesOf({ groups: [{ role: { name: 'staff' } }] }, byName)).toEqual(['user'])
    expect(rolesOf({ groups: [] }, byName)).toEqual([])
    const names = { teams: [{ roles: ['a'] }, { roles: ['boss', 'b'] }] }
    expect(rolesOf(names, toRoleMapping({ claim: 'teams.roles', admin: ['boss'] }))).toEqual(['admin', 'user'])
    expect(rolesOf({ groups: [['x']] }, toRoleMapping({ claim: 'groups.constructor.name', user: ['Array'] }))).toEqual(
      [],
    )
  })
})

test('a claim that cannot be read is told from one without roles, and the log says what to do', () => {
  const byName = toRoleMapping({ claim: 'groups.name', admin: ['boss'] })
  const direct = toRoleMapping({ claim: 'groups', admin: ['boss'] })
  if (byName === null || direct === null) throw new Error('no mapping')
  expect([{}, { groups: [{ id: 1 }] }].map(found => lacksRoles(found, byName))).toEqual([true, true])
  expect([{ groups: [] }, { groups: [{ name: null }] }].map(found => lacksRoles(found, byName))).toEqual([false, false])
  expect(whyMissing({ groups: [{ name: 'boss' }] }, direct)).toContain('groups.name')
  expect(whyMissing({ groups: ['boss'] }, direct)).toBeNull()
  expect(whyMissing({ groups: null }, direct)).toBeNull()
  expect(whyMissing({}, direct)).toContain('no such claim')
})
