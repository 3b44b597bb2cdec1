import type { NoteEvent, NotesAnswer, WireNote } from '#contract/demo/notes.ts'
import type { NoteChange } from '../utils/notes-book.ts'

const PATH = '/api/notes'
/** Longer than the service takes; then the next change is sent. */
const TIMEOUT_MS = 20_000
/** How many deletions can be undone on the page. */
const KEPT_DELETED = 5

/** Retried automatically; nobody has been signed out. */
const isReplaced = ({ _data }: { _data?: unknown }) => readProblem({ data: _data }).code === 'session_replaced'

export interface NoteFailure {
  code: string
  text: string
}

/**
 * My notes: rendered with the page, then kept current with changes from here and elsewhere. Changes show at once and
 * are reverted if they fail. The functions resolve to null or to the failure.
 */
export function useNotes() {
  const api = useApi()
  const failureOf = useNoteFailure()
  const { user } = useUserSession()
  const nuxtApp = useNuxtApp()
  const loaded = useFetch<NotesAnswer>(PATH, {
    key: PATH,
    lazy: true,
    retry: 0,
    onRequestError: ({ error: cause }) => {
      throw unanswered(cause)
    },
    onResponseError: ({ response }) => {
      if (import.meta.client && response.status === 401 && !isReplaced(response)) void nuxtApp.callHook('session:lost')
    },
  })
  const { data, error, status, refresh } = loaded
  askAgainOnceReplaced({ error, refresh })
  const pending = shallowRef<NoteChange[]>([])
  const deleted = shallowRef<WireNote[]>([])
  const rows = computed(() => rowsOf(data.value?.notes ?? [], pending.value, deleted.value))
  const count = computed(() => rows.value.filter(row => row.kind === 'note').length)

  let last: Promise<unknown> = Promise.resolve()
  /** Sends changes one after the other, so that they arrive in order. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }

  async function perform(change: NoteChange, send: () => Promise<WireNote | undefined>): Promise<NoteFailure | null> {
    const owner = user.value?.id
    pending.value = [...pending.value, change]
    try {
      const note = await inTurn(send)
      if (data.value && owner === user.value?.id) data.value = withAnswer(data.value, change, note ?? null)
      return null
    } catch (error) {
      const failure = failureOf(error)
      // Another window deleted it, and the feed has not said so yet.
      if (failure.code === 'not_found' && data.value && owner === user.value?.id)
        data.value = withAnswer(data.value, change, null)
      return failure
    } finally {
      pending.value = pending.value.filter(one => one !== change)
    }
  }
  const call = (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) => () =>
    api<WireNote | undefined>(PATH + path, { method, timeout: TIMEOUT_MS, ...(body && { body }) })

  /** The id is made here, so that a retry after a lost response does not add the note twice. */
  function add(text: string): Promise<NoteFailure | null> {
    const newest = data.value?.notes[0]?.createdAt ?? 0
    const createdAt = Math.max(Date.now(), newest + 1)
    const note = { id: crypto.randomUUID(), text, createdAt, changedAt: createdAt }
    return perform({ type: 'add', note }, call('POST', '', { id: note.id, text }))
  }
  const edit = (id: string, text: string) => perform({ type: 'edit', id, text }, call('PATCH', `/${id}`, { text }))

  async function remove(note: WireNote): Promise<NoteFailure | null> {
    deleted.value = [...deleted.value.filter(one => one.id !== note.id), note].slice(-KEPT_DELETED)
    const failure = await perform({ type: 'delete', id: note.id }, call('DELETE', `/${note.id}`))
    if (failure === null || failure.code === 'not_found') return null
    dismiss(note)
    return failure
  }
  async function restore(note: WireNote): Promise<NoteFailure | null> {
    const failure = await perform({ type: 'restore', note }, call('POST', `/${note.id}/restore`))
    if (failure === null) dismiss(note)
    return failure
  }
  function dismiss(note: WireNote): void {
    deleted.value = deleted.value.filter(one => one.id !== note.id)
  }
  /** @returns whether the list has changed */
  function hear(number: number, event: NoteEvent): boolean {
    const before = data.value
    if (!before) return false
    data.value = withEvent(before, number, event)
    return isNews(before, pending.value, number, event)
  }
  watch(
    () => user.value?.id,
    id => {
      deleted.value = []
      if (id !== undefined) void refresh()
    },
  )
  return { loaded, data, error, status, refresh, rows, count, hear, add, edit, remove, restore, dismiss }
}

/** Why a call failed, in one sentence. The service has codes of its own beside ours. */
function useNoteFailure(): (error: unknown) => NoteFailure {
  const { t } = useI18n()
  const text = useProblemText()
  return error => {
    const problem = problemOf(error)
    const code = (error as { data?: { code?: string } }).data?.code ?? problem.code
    if (code === 'notes_full') return { code, text: t('notes.full', { max: MAX_NOTES }) }
    return { code, text: code === 'not_found' ? t('notes.gone') : text(problem) }
  }
}
