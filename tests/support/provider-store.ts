import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Kept {
  payload: AdapterPayload
  endsAt: number
}

/** What the provider remembers. Outlives a change of its keys, and can be looked at by a test. */
export interface ProviderStore {
  adapter: AdapterFactory
  all(model: string): AdapterPayload[]
  /** Forgets everything of a kind, as a provider does whose administrator signs everybody out. */
  forget(model: string, which: (payload: AdapterPayload) => boolean): void
}

export function providerStore(): ProviderStore {
  const models = new Map<string, Map<string, Kept>>()
  const of = (model: string) => models.get(model) ?? (models.set(model, new Map()).get(model) as Map<string, Kept>)
  const alive = (model: string): AdapterPayload[] =>
    [...of(model).values()].filter(each => each.endsAt > Date.now()).map(each => each.payload)

  const adapter = (model: string): Adapter => ({
    upsert: async (id, payload, expiresIn) => {
      of(model).set(id, { payload, endsAt: expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000 })
    },
    find: async id => {
      const kept = of(model).get(id)
      return kept && kept.endsAt > Date.now() ? kept.payload : undefined
    },
    findByUid: async uid => alive(model).find(payload => payload.uid === uid),
    findByUserCode: async code => alive(model).find(payload => payload.userCode === code),
    consume: async id => {
      const kept = of(model).get(id)
      if (kept) kept.payload.consumed = Math.floor(Date.now() / 1000)
    },
    destroy: async id => void of(model).delete(id),
    revokeByGrantId: async grantId => forget(model, payload => payload.grantId === grantId),
  })

  function forget(model: string, which: (payload: AdapterPayload) => boolean): void {
    for (const [id, { payload }] of of(model)) {
      if (which(payload)) of(model).delete(id)
    }
  }

  return { adapter, all: alive, forget }
}
