/** The demo's pages that stay ours when another front end serves the rest. */
export const DEMO_PAGES: readonly string[] = ['/proof']
