/** The demo's pages that are reserved, as the product's are, where another front end has taken their place. */
export const DEMO_PAGES: readonly string[] = ['/proof']
