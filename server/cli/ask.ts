import { createInterface } from 'node:readline'
import { OperatorError } from '../base/operator-error.ts'

/**
 * Reads a password from the terminal without echo, or from the first line of stdin. Never from an argument, which other
 * users of the machine can see and shells record.
 */
export async function askPassword(): Promise<string> {
  if (!process.stdin.isTTY) return firstLine()
  const password = await askHidden('New password: ')
  if ((await askHidden('Repeat password: ')) !== password) throw new OperatorError('The passwords do not match.')
  return password
}

/** Asks before something irreversible. Without a terminal, only the option can confirm. */
export async function confirm(question: string, option: string): Promise<void> {
  if (!process.stdin.isTTY) throw new OperatorError(`${question} Confirm with ${option}.`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await new Promise<string>(resolve => terminal.question(`${question} Type yes: `, resolve))
  terminal.close()
  if (answer.trim() !== 'yes') throw new OperatorError('Nothing was changed.')
}

async function firstLine(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk)
  const [line = ''] = Buffer.concat(chunks).toString('utf8').split(/\r?\n/)
  if (line === '') throw new OperatorError('No password on stdin.', ['Send one line, or run this in a terminal.'])
  return line
}

export function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stdin.resume()
  return new Promise((resolve, reject) => {
    let typed: string[] = []
    const stop = () => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write('\n')
    }
    const onData = (data: string) => {
      for (const key of data) {
        if (key === '\r' || key === '\n') {
          stop()
          return resolve(typed.join(''))
        }
        if (key === '\u0003' || key === '\u0004') {
          stop()
          return reject(new OperatorError('Nothing was changed.'))
        }
        if (key === '\u007f' || key === '\b') typed = typed.slice(0, -1)
        else typed.push(key)
      }
    }
    stdin.on('data', onData)
  })
}
