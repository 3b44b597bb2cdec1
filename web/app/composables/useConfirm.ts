export interface Question {
  title: string
  text: string
  /** What the button says; the title unless given. */
  action?: string
  danger?: boolean
}
interface Asked extends Required<Question> {
  answer(yes: boolean): void
}

/** In the browser only: on the server it would be shared by all visitors. */
const asked = shallowRef<Asked | null>(null)

/** Asks before something that cannot be undone. */
export function useConfirm() {
  function confirm({ title, text, action = title, danger = true }: Question): Promise<boolean> {
    asked.value?.answer(false)
    return new Promise(resolve => {
      asked.value = {
        title,
        text,
        action,
        danger,
        answer: yes => {
          asked.value = null
          resolve(yes)
        },
      }
    })
  }
  return { asked: readonly(asked), confirm }
}
