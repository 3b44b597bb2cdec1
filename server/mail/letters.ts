import { randomId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import { toEmailKey } from '../base/email-key.ts'
import type { Language } from '../contract/languages.ts'
import type { MailKind } from '../contract/mail-kinds.ts'
import type { Keyring } from '../keys/types.ts'
import type { NewMail } from '../store/mail-types.ts'

/** What only the mail itself may show. */
export interface LetterContents {
  /** A link with a code. */
  href: Secret
  /** Milliseconds that it works for. */
  lifeMs: number
  /** Who sends it; '' if it is the operator. */
  by: string
}

export interface Letter {
  kind: MailKind
  userId: string | null
  address: string
  language: Language | null
  codeHash: string
}

/** Writes mails that bring a link, to be queued together with its code. */
export interface Letters {
  write(letter: Letter, contents: LetterContents): NewMail
  /** The same for one that brings none. */
  tell(letter: Omit<Letter, 'codeHash'>): NewMail
}

export function createLetters({ keyring }: { keyring: Keyring }): Letters {
  return {
    write({ address, ...letter }, { href, lifeMs, by }) {
      const id = randomId()
      const sealed = keyring.seal('at-rest', { href: href.reveal(), lifeMs, by }, id)
      return { id, ...letter, address, addressKey: toEmailKey(address), sealed }
    },
    tell: letter => ({
      ...letter,
      id: randomId(),
      addressKey: toEmailKey(letter.address),
      sealed: null,
      codeHash: null,
    }),
  }
}

/** @returns null if its key is gone */
export async function openLetter(
  keyring: Keyring,
  { id, sealed }: { id: string; sealed: string },
): Promise<{ href: string; lifeMs: number; by: string } | null> {
  const opened = await keyring.open('at-rest', sealed, id)
  if (opened === null) return null
  const { href, lifeMs, by } = opened
  return typeof href === 'string' && typeof lifeMs === 'number' && typeof by === 'string' ? { href, lifeMs, by } : null
}
