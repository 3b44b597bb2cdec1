import type * as v from 'valibot'

/**
 * Describes what is wrong with a request body, one sentence per field. Never repeats the input, which may be a
 * password.
 * @param whole the name to use when the body as a whole is wrong rather than a field
 */
export function describeFields(issues: readonly v.BaseIssue<unknown>[], whole: string): Record<string, string> {
  const fields: [string, string][] = []
  for (const issue of issues) {
    const path =
      issue.path
        ?.map(item => String(item.key))
        .join('.')
        .slice(0, 100) ?? ''
    const name = path === '' ? whole : path
    if (!fields.some(([known]) => known === name)) fields.push([name, sentence(issue)])
  }
  return Object.fromEntries(fields.slice(0, 20))
}

function sentence(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'Unknown field.'
  switch (issue.type) {
    case 'min_length':
      return 'It is too short.'
    case 'max_length':
      return 'It is too long.'
    case 'email':
      return 'It is not an e-mail address.'
    case 'regex':
      return 'It contains characters that are not allowed.'
    default:
      return issue.received === 'undefined' ? 'It is missing.' : 'It has the wrong type.'
  }
}
