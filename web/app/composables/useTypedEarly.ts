import type { Directive, Ref } from 'vue'

/**
 * Keeps what was typed, filled in or restored before the scripts came: taking over the server's HTML would empty the
 * field.
 */
export function useTypedEarly(model: Ref<string>): Directive<HTMLInputElement> {
  return {
    created(input) {
      if (input.value !== '' && input.value !== model.value) model.value = input.value
    },
  }
}
