import { defineComponent, type SlotsType } from 'vue'
import type { WireSession, WireUser } from '../../../server/contract/wire.ts'
import { useUserSession } from './use-user-session.ts'

interface State {
  user: WireUser | null
  session: WireSession | null
  loggedIn: boolean
  clear: () => Promise<void>
}

/** Shows who is signed in. On a page made without a visitor, `placeholder` is shown until the browser has asked. */
export default defineComponent({
  name: 'AuthState',
  slots: Object as SlotsType<{ default: State; placeholder: Record<string, never> }>,
  setup(_, { slots }) {
    const { ready, user, session, loggedIn, clear } = useUserSession()
    return () =>
      ready.value
        ? slots.default({ user: user.value, session: session.value, loggedIn: loggedIn.value, clear })
        : slots.placeholder({})
  },
})
