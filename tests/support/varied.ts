/**
 * What `npm test` proves with `few`, `npm run test:more` repeats with `many`: a file x.test.ts that asks this has an
 * x.more.test.ts beside it, which imports it.
 */
export function varied<T>(few: T, many: T): T {
  return process.env['VARIED'] === 'yes' ? many : few
}
