import type { EventsAnswer } from '#contract/wire.ts'

/** What happened to my account, newest first. */
export function useSecurityLog() {
  const { items: events, ...paged } = usePaged('/auth/events', (page: EventsAnswer) => page.events)
  return { events, ...paged }
}
