import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { freePort, statusOf, temporaryFolder, waitUntil } from '../server.ts'

/** As its API gives it. */
interface Message {
  ID: string
  MessageID: string
  To: { Address: string }[]
  Subject: string
}

/** A mail server that other people wrote, with an API to read what it has received. */
export async function startMailpit(ports?: { smtp: number; http: number; folder: string }) {
  const at = ports ?? { smtp: await freePort(), http: await freePort(), folder: temporaryFolder() }
  const args = ['--smtp', `127.0.0.1:${at.smtp}`, '--listen', `127.0.0.1:${at.http}`, '--disable-version-check']
  const child = spawn(
    'mailpit',
    [...args, '--database', join(at.folder, 'mails.db'), '--smtp-auth-accept-any', '--smtp-auth-allow-insecure'],
    { stdio: 'ignore' },
  )
  await waitUntil(async () => (await statusOf(at.http, '/readyz')) === 200, 'Mailpit')
  const read = async <T>(path: string): Promise<T> =>
    (await (await fetch(`http://127.0.0.1:${at.http}/api/v1/${path}`)).json()) as T

  return {
    at,
    url: `smtp://porch:secret@127.0.0.1:${at.smtp}`,
    messages: async () => (await read<{ messages: Message[] }>('messages?limit=500')).messages,
    text: async (id: string) => (await read<{ Text: string }>(`message/${id}`)).Text,
    /** How much of a mail's HTML and CSS common mail programs support, in percent. */
    support: async (id: string) =>
      (await read<{ Total: { Supported: number } }>(`message/${id}/html-check`)).Total.Supported,
    async stop() {
      const exited = new Promise(done => child.on('exit', done))
      child.kill('SIGTERM')
      await exited
    },
  }
}
