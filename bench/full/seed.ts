/** What to put into the data folder of a server that is not running. `browsers`: sessions that somebody holds the cookies of. */
export interface SeedOrder { dataDir: string, sessions: number, browsers: number }
/** Cookie headers of the browsers. */
export interface SeedResult { cookies: string[] }
