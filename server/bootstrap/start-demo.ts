import type { Upstream } from '../config/upstream-config.ts'
import { toUpstream } from '../config/upstream-settings.ts'
import type { Proof } from '../demo/proof/proof.ts'
import type { Services } from './services.ts'

const NOTES = 'notes'

export interface Demo {
  /** The Notes API, which stands in for upstreams of one's own. */
  upstream: Upstream
  proof: Proof
  close(): Promise<void>
}

/**
 * Starts the demo where it applies: on a loopback address, with no upstreams configured.
 * @returns null where it does not; none of its code is loaded then
 */
export async function startDemo({ config, clock, log }: Services): Promise<Demo | null> {
  if (!config.demo || config.upstreams.length > 0 || !config.loopback) return null
  const { startSample } = await import('../demo/notes/sample.ts')
  const { createProof } = await import('../demo/proof/proof.ts')
  // Notes fetches our keys as any API behind us would: by an inner address, which JWKS answers under any name.
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
