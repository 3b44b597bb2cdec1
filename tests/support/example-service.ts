import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { environmentFor } from './python.ts'

export interface Service {
  origin: string
  /** What it wrote. */
  output(): string
  stop(): Promise<void>
}

/**
 * Starts `main:app` of an example by uvicorn.
 * @param port 0: any that is free
 */
export async function startService(
  python: string,
  folder: string,
  env: Record<string, string>,
  port = 0,
): Promise<Service> {
  const environment = environmentFor(python, join(folder, 'requirements.txt'))
  const child = spawn(environment, ['-m', 'uvicorn', 'main:app', '--host', '127.0.0.1', '--port', String(port)], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', ...env },
  })
  let output = ''
  const origin = await new Promise<string>((found, failed) => {
    const listen = (chunk: Buffer) => {
      output += String(chunk)
      const address = /running on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1]
      if (address !== undefined) found(address)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.on('exit', () => failed(new Error(`the service ended:\n${output}`)))
    child.on('error', failed)
  })
  return { origin, output: () => output, stop: () => ended(child) }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill()
  await exit
}
