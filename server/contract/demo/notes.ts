import * as v from 'valibot'

/** What the sample upstream and the pages that use it agree on. */

/** UTF-16 code units, as `maxlength` of a text field counts them. */
export const MAX_NOTE_LENGTH = 2000
/** For each person; what was deleted and can still be restored is not counted. */
export const MAX_NOTES = 500

/** Made by whoever adds the note: sending again after a lost answer then adds nothing twice. */
const id = v.pipe(v.string(), v.uuid('a UUID in lower case'), v.regex(/^[0-9a-f-]+$/, 'a UUID in lower case'))
const text = v.pipe(
  v.string(`text of 1 to ${MAX_NOTE_LENGTH} characters`),
  v.trim(),
  v.minLength(1, `text of 1 to ${MAX_NOTE_LENGTH} characters`),
  v.maxLength(MAX_NOTE_LENGTH, `text of 1 to ${MAX_NOTE_LENGTH} characters`),
)

export const NoteId = id
export const AddNoteRequest = v.strictObject({ id: v.optional(id), text })
export const ChangeNoteRequest = v.strictObject({ text })

export type AddNoteRequest = v.InferOutput<typeof AddNoteRequest>
export type ChangeNoteRequest = v.InferOutput<typeof ChangeNoteRequest>

/** Times are unix milliseconds. */
export interface WireNote {
  id: string
  text: string
  createdAt: number
  changedAt: number
}

/** `GET`: newest first. `change` is how far this list goes: `feed?since=<change>` tells all that comes after it. */
export interface NotesAnswer {
  notes: WireNote[]
  change: number
}

/** The data of one event of the feed; the event's id is its `change`.
 * `reload`: too much has happened since, or the numbers began anew: list again. */
export type NoteEvent = { type: 'saved'; note: WireNote } | { type: 'deleted'; id: string } | { type: 'reload' }

// ---- presence, as JSON texts over a WebSocket

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
/** Where a pointer is, as shares of the shared area's width and height. */
export const Cursor = v.strictObject({ x: share, y: share })
export type Cursor = v.InferOutput<typeof Cursor>

/** null: the pointer has left. */
export const PresenceRequest = v.strictObject({ type: v.literal('cursor'), cursor: v.nullable(Cursor) })
export type PresenceRequest = v.InferOutput<typeof PresenceRequest>

/** One open page. `mine`: it belongs to the person who is told. `name` is null where the token tells none. */
export interface WirePeer {
  id: string
  name: string | null
  mine: boolean
  cursor: Cursor | null
}

export type PresenceEvent =
  | { type: 'welcome'; you: string; peers: WirePeer[] }
  | { type: 'joined'; peer: WirePeer }
  | { type: 'left'; id: string }
  | { type: 'cursors'; cursors: { id: string; cursor: Cursor | null }[] }
