/** Starts the server; see main.start.ts.
 * @throws Refusal when it cannot start, with words for whoever started it */
export async function main({ dev = false }: { dev?: boolean } = {}): Promise<void> {
  const { start } = await import('./main.start.ts')
  await start({ dev })
}

if (import.meta.main) await main()
