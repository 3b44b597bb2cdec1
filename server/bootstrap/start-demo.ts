import type { Upstream } from '../config/upstream-config.ts'
import { toUpstream } from '../config/upstream-settings.ts'
import type { Proof } from '../demo/proof/proof.ts'
import type { Services } from './services.ts'

const NOTES = 'notes'

export interface Demo {
  /** The Notes API, which stands in for real upstreams. */
  upstream: Upstream
  proof: Proof
  close(): Promise<void>
}

/**
 * Starts the demo if it applies: on a loopback address with a port for plain HTTP, with no upstreams configured.
 * @returns null if not, in which case none of its code is loaded
 */
export async function startDemo({ config, clock, log }: Services): Promise<Demo | null> {
  if (
    !config.demo ||
    config.upstreams.length > 0 ||
    !config.loopback ||
    config.hosts.length === 0 ||
    config.proxyProtocol
  )
    return null
  const { startSample } = await import('../demo/notes/sample.ts')
  const { createProof } = await import('../demo/proof/proof.ts')
  // Notes fetches our keys as any API would: by an internal address, which JWKS accepts under any name.
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
