import type { IncomingMessage } from 'node:http'
import * as v from 'valibot'
import { Refused } from './refused.ts'

const MAX_BODY_BYTES = 16 * 1024
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a JSON body and validates it.
 * @throws Refused `unsupported_media_type`, `body_too_large`, `invalid_json`, `invalid_body`
 */
export async function readJson<T>(request: IncomingMessage, schema: v.GenericSchema<unknown, T>): Promise<T> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Refused('unsupported_media_type')
  const parsed = v.safeParse(schema, parse(await readBytes(request)))
  if (parsed.success) return parsed.output
  const { nested = {}, root } = v.flatten(parsed.issues)
  const fields: Record<string, string> = {}
  for (const [name, messages] of Object.entries(nested as Record<string, string[] | undefined>))
    fields[name] = messages?.[0] ?? 'not acceptable'
  throw new Refused('invalid_body', root === undefined ? { fields } : { fields, detail: root[0] })
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  // A declared length that is too large is rejected at once; otherwise bytes are counted.
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch (error) {
    throw new Refused('invalid_json', {}, error)
  }
}

/** Closes the connection, because the rest of the body is not read. */
function tooLarge(): Refused {
  return new Refused('body_too_large', {
    detail: `At most ${MAX_BODY_BYTES} bytes are accepted here.`,
    headers: { connection: 'close' },
  })
}
