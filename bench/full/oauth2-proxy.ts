import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const VERSION = 'v7.15.6'
const FOLDER = join(import.meta.dirname, '../../.cache/bench', `oauth2-proxy-${VERSION}`)

/**
 * Builds oauth2-proxy from its module, once, where Go is.
 * @returns the program
 * @throws Error that says why it is not there
 */
export async function oauth2Proxy(): Promise<string> {
  const program = join(FOLDER, 'oauth2-proxy')
  if (existsSync(program)) return program
  mkdirSync(FOLDER, { recursive: true })
  try {
    await promisify(execFile)('go', ['install', `github.com/oauth2-proxy/oauth2-proxy/v7@${VERSION}`], {
      env: { ...process.env, GOBIN: FOLDER },
      timeout: 600_000,
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new Error('Go is not installed here, and it is built from source', { cause: error })
    throw error
  }
  return program
}
