// Copy this to porchlight.config.ts beside package.json, and keep only what differs from the defaults. Each setting is
// also an environment variable, which wins: publicUrl is PORCHLIGHT_PUBLIC_URL.
import { defineConfig } from '../server/exports.ts'

export default defineConfig({
  publicUrl: 'https://example.org',
  // Where the reverse proxy finds us, and whose X-Forwarded-For is believed.
  host: '127.0.0.1',
  port: 3000,
  trustedProxies: ['127.0.0.1'],
  dataDir: '/var/lib/porchlight',

  // A remembered session ends after this long without a visit, and in any case after the absolute time.
  idleSeconds: 7 * 24 * 3600,
  absoluteSeconds: 30 * 24 * 3600,

  registration: 'invite',
  passwordMinLength: 15,
})
