import { Problem } from '../base/problem.ts'
import type { Cursor } from './types.ts'

/** Reads a cursor that is a position. @throws Problem `invalid_query` */
export function positionOf(cursor: Cursor): number {
  if (!/^\d{1,15}$/.test(cursor)) throw new Problem('invalid_query')
  return Number(cursor)
}
