import type { Directive, Ref } from 'vue'

/** Keeps what was typed, autofilled or restored before hydration, which would empty the field. */
export function useTypedEarly(model: Ref<string>): Directive<HTMLInputElement> {
  return {
    created(input) {
      if (input.value !== '' && input.value !== model.value) model.value = input.value
    },
  }
}
