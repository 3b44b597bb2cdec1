import type { ProofStep } from '../utils/proof-steps.ts'

/** Describes a step in a sentence, for those who cannot see the diagram or would rather read. */
export function useProofWords() {
  const { t, locale } = useI18n()
  const time = useProofTime()

  function tellAsked({ who, asked, at, until }: Extract<ProofStep, { kind: 'asked' }>): string {
    const [only] = asked
    if (only === undefined) return ''
    const key = only.shown ?? 0
    const whoever = t(`proof.who.${who}`)
    if (asked.length === 1) return t(`proof.asked.${only.answer}`, { who: whoever, key, next: only.given ?? 0 })
    const answered = asked.filter(isSignedIn).length
    const renewed = asked.filter(({ answer }) => answer === 'renewed').length
    const given = new Set(asked.map(one => one.given).filter(next => next !== null))
    const next = [...given].join(', ')
    return [
      t('proof.asked.many', { n: asked.length, key, lasting: time(until - at), answered }),
      answered < asked.length
        ? t('proof.asked.away', { n: asked.length - answered })
        : t(renewed === 1 ? 'proof.asked.once' : 'proof.asked.same', { next }),
    ].join(locale.value.startsWith('zh') ? '' : ' ')
  }

  return (step: ProofStep): string => {
    switch (step.kind) {
      case 'signed_in':
        return t('proof.step.signedIn', { key: step.generation ?? 0 })
      case 'copied':
        return t('proof.step.copied', { key: step.generation ?? 0 })
      case 'waited':
        return t(step.why === 'expiry' ? 'proof.step.expiry' : 'proof.step.later', {
          lasting: time(step.until - step.at),
        })
      case 'row':
        return step.ended === null ? t('proof.step.row', { key: step.generation }) : t('proof.step.rowEnded')
      case 'asked':
        return tellAsked(step)
      default:
        return step satisfies never
    }
  }
}
