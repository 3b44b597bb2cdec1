import { useState } from 'nuxt/app'
import type { Ref } from 'vue'
import type { SessionAnswer } from '../../../server/contract/wire.ts'

/** Who is signed in. Null on a page made without a visitor (prerendered or cached), until the browser has asked. */
export const useSessionState = (): Ref<SessionAnswer | null> =>
  useState<SessionAnswer | null>('porchlight:session', () => null)
