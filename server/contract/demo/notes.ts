import * as v from 'valibot'

/** The contract between the sample upstream and the pages that use it. */

/** UTF-16 code units, as `maxlength` of a text field counts them. */
export const MAX_NOTE_LENGTH = 2000
/** Per account; deleted notes that can still be restored do not count. */
export const MAX_NOTES = 500

/** Chosen by the client, so that a retry after a lost response does not add the note twice. */
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

/** `GET`: newest first. `change` is this list's position in the feed: `feed?since=<change>` returns everything after it. */
export interface NotesAnswer {
  notes: WireNote[]
  change: number
}

/**
 * The data of one feed event; the event's id is its `change`. `reload`: too much has changed since, or the numbering
 * restarted, so the client has to list again.
 */
export type NoteEvent = { type: 'saved'; note: WireNote } | { type: 'deleted'; id: string } | { type: 'reload' }

// ---- presence: JSON texts over a WebSocket

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
/** A pointer's position, as fractions of the shared area's width and height. */
export const Cursor = v.strictObject({ x: share, y: share })
export type Cursor = v.InferOutput<typeof Cursor>

/** null: the pointer has left the area. */
export const PresenceRequest = v.strictObject({ type: v.literal('cursor'), cursor: v.nullable(Cursor) })
export type PresenceRequest = v.InferOutput<typeof PresenceRequest>

/** One open page. `mine`: it belongs to the account that receives this. `name` is null if the token has none. */
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
