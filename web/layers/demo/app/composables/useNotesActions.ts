import type { WireNote } from '#contract/demo/notes.ts'
import type { NoteFailure } from './useNotes.ts'

/**
 * Handles changes on the page: moves the focus, announces what happened, and keeps the text of a change that failed.
 * @param focusCompose focuses the field for a new note
 */
export function useNotesActions(
  { add, edit, remove, restore, dismiss }: ReturnType<typeof useNotes>,
  focusCompose: () => void,
) {
  const { t } = useI18n()
  const { say } = useToast()
  const { said, tell } = useVoice()
  const draft = useDraft()

  const lineOf = (id: string) => document.getElementById(`note-${id}`)
  async function focusOn(id: string): Promise<void> {
    await nextTick()
    lineOf(id)?.querySelector<HTMLElement>('[data-first]')?.focus()
  }
  function tellFailure(change: 'add' | 'delete' | 'restore', failure: NoteFailure): void {
    say(t('notes.failed.why', { what: t(`notes.failed.${change}`), why: failure.text }), 'bad')
  }
  /** Puts a text back into the field, before whatever is being written by now. */
  function giveBack(text: string): void {
    draft.value = draft.value === '' ? text : `${text}\n\n${draft.value}`
  }

  async function onAdd(text: string): Promise<void> {
    const failure = await add(text)
    if (failure === null) return tell(t('notes.said.added'))
    giveBack(text)
    tellFailure('add', failure)
  }
  async function onEdit(id: string, text: string): Promise<NoteFailure | null> {
    const failure = await edit(id, text)
    if (failure === null) void tell(t('notes.said.saved'))
    return failure
  }
  async function onDelete(note: WireNote): Promise<void> {
    const removing = remove(note)
    await focusOn(note.id)
    void tell(t('notes.said.deleted'))
    const failure = await removing
    if (failure === null) return
    tellFailure('delete', failure)
    if (document.activeElement === document.body) await focusOn(note.id)
  }
  async function onUndo(note: WireNote): Promise<void> {
    const restoring = restore(note)
    await focusOn(note.id)
    const failure = await restoring
    if (failure === null) return tell(t('notes.said.restored'))
    tellFailure('restore', failure)
  }
  function onDismiss(note: WireNote): void {
    const line = lineOf(note.id)
    const next = line?.nextElementSibling ?? line?.previousElementSibling
    dismiss(note)
    if (next) void focusOn(next.id.slice('note-'.length))
    else focusCompose()
  }
  function onOrphan(text: string): void {
    giveBack(text)
    say(t('notes.kept'), 'bad')
  }
  return { draft, said, tell, onAdd, onEdit, onDelete, onUndo, onDismiss, onOrphan }
}

/** The note being written. It survives signing in again, for the same person. */
function useDraft() {
  const kept = useState('notes-draft', () => ({ userId: '', text: '' }))
  const { user } = useUserSession()
  return computed({
    get: () => (kept.value.userId === user.value?.id ? kept.value.text : ''),
    set: text => {
      kept.value = { userId: user.value?.id ?? '', text }
    },
  })
}

/** Announces changes to screen readers, one sentence at a time; the same sentence can be announced again. */
function useVoice() {
  const said = ref('')
  async function tell(sentence: string): Promise<void> {
    said.value = ''
    await nextTick()
    said.value = sentence
  }
  return { said, tell }
}
