/** Waits until all of this work has come to an end, well or badly, but no longer than `ms`. */
export async function settledWithin(ms: number, work: Iterable<Promise<unknown>>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  // The timer keeps the process: what comes after a wait has to come.
  const timeout = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([Promise.allSettled(work), timeout])
  clearTimeout(timer)
}
