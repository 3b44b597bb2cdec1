/**
 * Says what changed to those who do not see it, in one polite sentence at a time. The same sentence twice is said
 * twice.
 */
export function useNotesVoice() {
  const said = ref('')
  async function tell(sentence: string): Promise<void> {
    said.value = ''
    await nextTick()
    said.value = sentence
  }
  return { said, tell }
}
