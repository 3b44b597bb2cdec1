/** A note that is being written. It outlives a sign-in in between, for whoever wrote it. */
export function useNotesDraft() {
  const kept = useState('notes-draft', () => ({ userId: '', text: '' }))
  const { user } = useUserSession()
  return computed({
    get: () => (kept.value.userId === user.value?.id ? kept.value.text : ''),
    set: text => {
      kept.value = { userId: user.value?.id ?? '', text }
    },
  })
}
