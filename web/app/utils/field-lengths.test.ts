import { expect, test } from 'vitest'
import { MAX_EMAIL_LENGTH } from '../../../server/contract/email.ts'
import { MAX_NAME_LENGTH } from '../../../server/contract/wire.ts'
import { MAX_EMAIL, MAX_NAME } from './field-lengths.ts'

test('fields take as much as the server does', () => {
  expect([MAX_EMAIL, MAX_NAME]).toEqual([MAX_EMAIL_LENGTH, MAX_NAME_LENGTH])
})
