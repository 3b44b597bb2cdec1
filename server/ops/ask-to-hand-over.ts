import type { Clock } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import { askServer } from './control-client.ts'

/** How long the running server may take to acknowledge; one that is stopped never does. */
const ANSWER_MS = 5000

/**
 * Asks the server that runs on a data folder, if any, to end. The caller then waits for the folder.
 * @returns false if there is none, or it does not react: then it still holds the folder
 * @throws OperatorError if it refuses
 */
export async function askToHandOver(dataDir: string, clock: Clock): Promise<boolean> {
  try {
    return (await askServer(dataDir, 'server.stop', { until: clock.now().wall + ANSWER_MS }, ANSWER_MS)) !== null
  } catch (error) {
    if (error instanceof OperatorError && error.cause instanceof Error && error.cause.name === 'AbortError')
      return false
    throw error
  }
}
