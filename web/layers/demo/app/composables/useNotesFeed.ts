import type { NoteEvent } from '#contract/demo/notes.ts'

interface Feed {
  /** The number of the last change that the page knows; null: it has no list yet. */
  since: () => number | null
  hear(number: number, event: NoteEvent): void
  /** Reads the list anew, and restarts the feed behind it. */
  reload(): void
}

/** Hears what other windows do, by Server-Sent Events. A feed that comes back goes on where this page's list ends. */
export function useNotesFeed({ since, hear, reload }: Feed) {
  return useNotesLink(
    ({ opened, lost }) => {
      const from = since()
      // Opened once there is a list to go on from: nothing is missed in between.
      if (from === null) return () => {}
      const source = new EventSource(`/api/notes/feed?since=${from}`)
      source.onopen = opened
      // The browser would try again by itself, at one pace and for ever.
      source.onerror = lost
      source.onmessage = ({ data, lastEventId }: MessageEvent<string>) => {
        const event = JSON.parse(data) as NoteEvent
        if (event.type === 'reload') reload()
        else hear(Number(lastEventId), event)
      }
      return () => source.close()
    },
    { restsWhenHidden: true },
  )
}
