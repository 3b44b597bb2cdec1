// The password hash alone, as many at once as the server allows itself. Writes how many a second.
import { availableParallelism } from 'node:os'
import { stdout } from 'node:process'
import { hash, verify } from '@node-rs/argon2'

const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const COUNT = 50
const known = await hash('quiet lantern 0123456789', COST)

async function lane(jobs: number[]): Promise<void> {
  while (jobs.pop() !== undefined) await verify(known, 'quiet lantern 0123456789')
}

const jobs = Array.from({ length: COUNT }, (_, i) => i)
const started = performance.now()
await Promise.all(Array.from({ length: Math.max(1, Math.min(availableParallelism() - 1, 3)) }, () => lane(jobs)))
stdout.write(String(COUNT / ((performance.now() - started) / 1000)))
