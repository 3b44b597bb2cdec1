import { dirname, join } from 'node:path'
import { programAbility } from './program-ability.ts'
import type { ReverseProxy } from './reverse-proxy.ts'

const PROGRAM = '/usr/sbin/apache2'
const DEBIAN = '/etc/apache2/mods-available'
/** What Debian enables, with mpm_event, and what the shipped file asks for. */
const MODULES =
  'mpm_event authz_core authz_host mime filter deflate setenvif reqtimeout alias env ssl socache_shmcb http2 headers proxy proxy_http'

export const apache: ReverseProxy = {
  name: 'Apache',
  ability: programAbility(PROGRAM, '-v'),
  shipped: ({ http, https, behind, cert }) => ({
    'apache.conf': [
      { text: 'Define PORCHLIGHT_HOST porchlight.example.org', by: 'Define PORCHLIGHT_HOST localhost' },
      {
        text: 'Define PORCHLIGHT_ADDRESS 127.0.0.1:3000',
        by: `Define PORCHLIGHT_ADDRESS 127.0.0.1:${behind}`,
      },
      { text: '*:80>', by: `127.0.0.1:${http}>` },
      { text: '*:443>', by: `127.0.0.1:${https}>` },
      { text: 'https://${PORCHLIGHT_HOST}/', by: `https://\${PORCHLIGHT_HOST}:${https}/` },
      { text: '/etc/letsencrypt/live/${PORCHLIGHT_HOST}/', by: `${dirname(cert)}/`, times: 2 },
    ],
  }),
  // As Debian's apache2.conf and ports.conf, but for the places of files.
  surroundings: ({ folder, http, https }) => ({
    'main.conf': `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
Mutex file:${folder}
User www-data
Group www-data
ErrorLog /dev/stderr
Timeout 300
KeepAlive On
KeepAliveTimeout 5
Listen 127.0.0.1:${http}
Listen 127.0.0.1:${https}
${MODULES.split(' ')
  .map(name => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
  .join('\n')}
Include ${DEBIAN}/mpm_event.conf
Include ${DEBIAN}/mime.conf
Include ${DEBIAN}/deflate.conf
Include ${DEBIAN}/reqtimeout.conf
Include ${folder}/apache.conf
`,
  }),
  command: ({ folder }) => ({
    program: PROGRAM,
    args: ['-d', folder, '-f', join(folder, 'main.conf'), '-D', 'FOREGROUND'],
  }),
  reload: (_site, child) => void child.kill('SIGUSR1'),
}
