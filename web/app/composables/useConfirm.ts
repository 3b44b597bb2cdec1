export interface Question {
  title: string
  text: string
  action: string
  danger: boolean
}
interface Asked extends Question {
  answer(yes: boolean): void
}

/** Lives in the browser only: on a server it would be everybody's. */
const asked = shallowRef<Asked | null>(null)

/** Asks before something that cannot be taken back. */
export function useConfirm() {
  function confirm(question: Question): Promise<boolean> {
    asked.value?.answer(false)
    return new Promise(resolve => {
      asked.value = {
        ...question,
        answer: yes => {
          asked.value = null
          resolve(yes)
        },
      }
    })
  }
  return { asked: readonly(asked), confirm }
}
