import type { NoteEvent, NotesAnswer, WireNote } from '#contract/demo/notes.ts'

/**
 * A change made on this page that the server has not confirmed yet. It is shown over the server's last state; if it
 * fails it is removed, and changes received meanwhile stay.
 */
export type NoteChange =
  | { type: 'add' | 'restore'; note: WireNote }
  | { type: 'edit'; id: string; text: string }
  | { type: 'delete'; id: string }

/** One line of the list. A note deleted here leaves a line that can undo it. */
export interface NoteRow {
  kind: 'note' | 'deleted'
  note: WireNote
  pending: boolean
}

/**
 * Applies an event of the feed.
 * @param number the event's id; one that is not newer than the list is ignored
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

/** Whether an event shows something new, rather than echoing a change made here. */
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
 * Applies the server's response to a change of ours. The feed's event for it may come earlier or later.
 * @param note as it is now; null: it is gone
 */
export function withAnswer(answer: NotesAnswer, change: NoteChange, note: WireNote | null): NotesAnswer {
  if (note === null) return { ...answer, notes: answer.notes.filter(one => one.id !== idOf(change)) }
  // An edited note that is missing was deleted while the response was on its way.
  if (change.type === 'edit' && !answer.notes.some(one => one.id === note.id)) return answer
  return { ...answer, notes: withNote(answer.notes, note) }
}

/**
 * Newest first, as the server lists them.
 * @param deleted notes deleted here that can be restored
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

/** The older of two versions never wins, whatever the order of arrival. */
function withNote(notes: readonly WireNote[], note: WireNote): WireNote[] {
  const known = notes.find(one => one.id === note.id)
  if (known === undefined) return [note, ...notes]
  return known.changedAt > note.changedAt ? [...notes] : notes.map(one => (one.id === note.id ? note : one))
}
