/**
 * Whether our pages are all that people see here; false where another front end has taken the place of those that are
 * not reserved.
 */
export const useOwnPages = () => useState('own-pages', () => true)
