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

/** Asks before something unexpected; no is the default. Without a terminal, only the option can agree. */
export async function agree(question: string, option: string): Promise<void> {
  const answer = await ask(`${question} [y/N] `, `${question} Confirm with ${option}.`)
  if (!/^y(?:es)?$/i.test(answer)) throw new OperatorError('Nothing was changed.')
}

/** Asks before something irreversible. Without a terminal, only the option can confirm. */
export async function confirm(question: string, option: string): Promise<void> {
  const answer = await ask(`${question} Type yes: `, `${question} Confirm with ${option}.`)
  if (answer !== 'yes') throw new OperatorError('Nothing was changed.')
}

/** @param refusal what is said without a terminal. @throws OperatorError */
async function ask(question: string, refusal: string): Promise<string> {
  if (!process.stdin.isTTY) throw new OperatorError(refusal)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // Without an answer, as at the end of input, nothing is agreed to.
  const answer = await new Promise<string>(resolve => {
    terminal.once('close', () => resolve(''))
    terminal.question(question, resolve)
  })
  terminal.close()
  return answer.trim()
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
