import type { Upstream } from '../config/upstream-config.ts'
import { toUpstream } from '../config/upstream-settings.ts'
import type { Proof } from '../demo/proof/proof.ts'
import type { Services } from './services.ts'

const NOTES = 'notes'

export interface Demo {
  /** The notes, in the place of upstreams of one's own. */
  upstream: Upstream
  proof: Proof
  close(): Promise<void>
}

/**
 * Starts the demonstrations on a server of somebody who tries it out: on this machine, with no upstream of one's own.
 * @returns null where they do not run; none of their code has been loaded then
 */
export async function startDemo({ config, clock, log }: Services): Promise<Demo | null> {
  if (!config.demo || config.upstreams.length > 0 || !config.loopback) return null
  const { startSample } = await import('../demo/notes/sample.ts')
  const { createProof } = await import('../demo/proof/proof.ts')
  // As any API would: by an inner address, which for the keys needs no public name.
  const inner = config.hosts[0]?.includes(':') ? `[${config.hosts[0]}]` : config.hosts[0]
  const sample = await startSample({
    dataDir: config.dataDir,
    issuer: config.publicUrl,
    audience: NOTES,
    clock,
    log,
    jwks: new URL(`http://${inner}:${config.port}/.well-known/jwks.json`),
  })
  return {
    upstream: toUpstream(
      {
        name: NOTES,
        target: `${sample.origin}/notes`,
        websocket: true,
        title: 'Notes',
        description: 'A small sample API, until you add your own.',
        icon: 'notebook-pen',
        ...(config.site.kind === 'own' ? { page: '/notes' } : {}),
      },
      config.streamMaxMs,
    ),
    proof: createProof({ clock }),
    close: sample.close,
  }
}
