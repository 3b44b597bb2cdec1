import { describe, expect, test } from 'vitest'
import type { WireNote } from '../../../../../server/contract/demo/notes.ts'
import { isNews, rowsOf, withAnswer, withEvent } from './notes-book.ts'

const note = (id: string, createdAt: number, text = id): WireNote => ({ id, text, createdAt, changedAt: createdAt })
const answer = { notes: [note('b', 2), note('a', 1)], change: 5 }
const texts = (rows: ReturnType<typeof rowsOf>) => rows.map(row => `${row.kind}:${row.note.text}`)

describe('the list and its feed', () => {
  test('an event that the list knew already changes nothing', () => {
    expect(withEvent(answer, 5, { type: 'deleted', id: 'a' })).toBe(answer)
  })

  test('what another window did is taken over', () => {
    const added = withEvent(answer, 6, { type: 'saved', note: note('c', 3) })
    expect(added.change).toBe(6)
    expect(texts(rowsOf(added.notes, [], []))).toEqual(['note:c', 'note:b', 'note:a'])
    expect(withEvent(added, 7, { type: 'deleted', id: 'b' }).notes.map(one => one.id)).toEqual(['c', 'a'])
  })

  test('a late answer does not bring an older text back', () => {
    const newer = { ...note('a', 1, 'newer'), changedAt: 9 }
    const heard = withEvent(answer, 6, { type: 'saved', note: newer })
    const late = withAnswer(heard, { type: 'edit', id: 'a', text: 'older' }, { ...newer, text: 'older', changedAt: 8 })
    expect(late.notes.find(one => one.id === 'a')?.text).toBe('newer')
  })

  test('a late answer does not bring a deleted note back', () => {
    const without = withEvent(answer, 6, { type: 'deleted', id: 'a' })
    expect(
      withAnswer(without, { type: 'edit', id: 'a', text: 'x' }, note('a', 1, 'x')).notes.map(one => one.id),
    ).toEqual(['b'])
  })

  test('the echo of what was done here is no news, before and after its answer', () => {
    const saved = { type: 'saved', note: note('a', 1, 'mine') } as const
    const change = { type: 'edit', id: 'a', text: 'mine' } as const
    expect(isNews(answer, [], 6, saved)).toBe(true)
    expect(isNews(answer, [change], 6, saved)).toBe(false)
    expect(isNews(withAnswer(answer, change, saved.note), [], 6, saved)).toBe(false)
    expect(isNews(answer, [], 5, saved)).toBe(false)
    expect(isNews(answer, [], 6, { type: 'deleted', id: 'never seen' })).toBe(false)
  })

  test('an answer and its event are one note, in either order', () => {
    const added = note('c', 3)
    const answered = withAnswer(answer, { type: 'add', note: { ...added, createdAt: 99 } }, added)
    expect(withEvent(answered, 6, { type: 'saved', note: added }).notes.length).toBe(3)
  })
})

describe('what was done here', () => {
  test('is shown before it is confirmed, over what comes in meanwhile', () => {
    const pending = [
      { type: 'edit', id: 'a', text: 'mine' },
      { type: 'add', note: note('d', 4) },
    ] as const
    const heard = withEvent(answer, 6, { type: 'saved', note: note('c', 3) })
    expect(texts(rowsOf(heard.notes, pending, []))).toEqual(['note:d', 'note:c', 'note:b', 'note:mine'])
  })

  test('is taken back by leaving it out, and the rest stays', () => {
    expect(texts(rowsOf(answer.notes, [], []))).toEqual(['note:b', 'note:a'])
  })

  test('a deleted note leaves a line in its place until it is back', () => {
    const [b, a] = answer.notes as [WireNote, WireNote]
    expect(texts(rowsOf([b, a], [{ type: 'delete', id: 'b' }], [b]))).toEqual(['deleted:b', 'note:a'])
    expect(texts(rowsOf([a], [{ type: 'restore', note: b }], [b]))).toEqual(['note:b', 'note:a'])
    expect(texts(rowsOf([b, a], [], [b]))).toEqual(['note:b', 'note:a'])
  })
})
