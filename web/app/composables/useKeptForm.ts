import type { KeptForm } from '#contract/site-context.ts'

/** What a form that failed without JavaScript wants shown again; for one page load. */
export const useKeptForm = () => useState<KeptForm | null>('kept-form', () => null)
