import type { NoteEvent } from '#contract/demo/notes.ts'

interface Feed {
  /** The number of the last change on the page; null: it has no list yet. */
  since: () => number | null
  hear(number: number, event: NoteEvent): void
  /** Reloads the list and restarts the feed after it. */
  reload(): void
}

/** Receives changes of other windows as Server-Sent Events. After a reconnect it continues where the list ends. */
export function useNotesFeed({ since, hear, reload }: Feed) {
  return useNotesLink(
    ({ opened, lost }) => {
      const from = since()
      // Opened once there is a list to continue from, so that no change is missed.
      if (from === null) return () => {}
      const source = new EventSource(`/api/notes/feed?since=${from}`)
      source.onopen = opened
      // The browser would retry by itself, at a constant rate and forever.
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
