import type { NoteEvent, NotesAnswer, WireNote } from '#contract/demo/notes.ts'

/**
 * What was done on this page and is not confirmed yet. It is shown at once, over what the server said last; when it
 * fails it is taken away again, and whatever came in meanwhile is still there.
 */
export type NoteChange =
  | { type: 'add' | 'restore'; note: WireNote }
  | { type: 'edit'; id: string; text: string }
  | { type: 'delete'; id: string }

/** One line of the list. A note that was deleted here stays as a line that can undo it. */
export interface NoteRow {
  kind: 'note' | 'deleted'
  note: WireNote
  pending: boolean
}

/**
 * What the feed told.
 * @param number the event's id; what is not newer than the list is known already
 */
export function withEvent(answer: NotesAnswer, number: number, event: NoteEvent): NotesAnswer {
  if (number <= answer.change) return answer
  const { notes } = answer
  switch (event.type) {
    case 'saved':
      return { notes: withNote(notes, event.note), change: number }
    case 'deleted':
      return { notes: notes.filter(note => note.id !== event.id), change: number }
    case 'reload':
      return answer
    default:
      return event satisfies never
  }
}

/** Whether an event tells what this page does not show already: not the echo of what was done here. */
export function isNews(
  { notes, change }: NotesAnswer,
  pending: readonly NoteChange[],
  number: number,
  event: NoteEvent,
): boolean {
  if (number <= change || event.type === 'reload') return false
  const id = event.type === 'saved' ? event.note.id : event.id
  const known = notes.find(note => note.id === id)
  if (pending.some(one => idOf(one) === id)) return false
  return event.type === 'saved' ? known?.text !== event.note.text : known !== undefined
}

/**
 * What the server answered to a change of ours. Its event in the feed may have come before, or comes yet.
 * @param note as it is now; null: it is gone
 */
export function withAnswer(answer: NotesAnswer, change: NoteChange, note: WireNote | null): NotesAnswer {
  if (note === null) return { ...answer, notes: answer.notes.filter(one => one.id !== idOf(change)) }
  // An edited note that is not there any more was deleted while the answer was on its way.
  if (change.type === 'edit' && !answer.notes.some(one => one.id === note.id)) return answer
  return { ...answer, notes: withNote(answer.notes, note) }
}

/**
 * Newest first, as the server lists them.
 * @param deleted what was deleted here and can be brought back
 */
export function rowsOf(
  notes: readonly WireNote[],
  pending: readonly NoteChange[],
  deleted: readonly WireNote[],
): NoteRow[] {
  const shown = new Map<string, NoteRow>(notes.map(note => [note.id, { kind: 'note', note, pending: false }]))
  for (const change of pending) {
    const row = shown.get(idOf(change))
    if (change.type === 'delete') shown.delete(change.id)
    else if (change.type !== 'edit') shown.set(change.note.id, { kind: 'note', note: change.note, pending: true })
    else if (row !== undefined)
      shown.set(change.id, { kind: 'note', note: { ...row.note, text: change.text }, pending: true })
  }
  for (const note of deleted) if (!shown.has(note.id)) shown.set(note.id, { kind: 'deleted', note, pending: false })
  return [...shown.values()].sort((a, b) => b.note.createdAt - a.note.createdAt || (a.note.id < b.note.id ? -1 : 1))
}

function idOf(change: NoteChange): string {
  return change.type === 'edit' || change.type === 'delete' ? change.id : change.note.id
}

/** The older of two versions never wins, whichever came last. */
function withNote(notes: readonly WireNote[], note: WireNote): WireNote[] {
  const known = notes.find(one => one.id === note.id)
  if (known === undefined) return [note, ...notes]
  return known.changedAt > note.changedAt ? [...notes] : notes.map(one => (one.id === note.id ? note : one))
}
