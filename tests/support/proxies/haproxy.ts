import { join } from 'node:path'
import { programAbility } from './program-ability.ts'
import type { ReverseProxy } from './reverse-proxy.ts'

const PROGRAM = '/usr/sbin/haproxy'

export const haproxy: ReverseProxy = {
  name: 'HAProxy',
  ability: programAbility(PROGRAM, '-v'),
  shipped: ({ http, https, behind, pem }) => ({
    'haproxy.cfg': [
      { text: 'bind :80\n', by: `bind 127.0.0.1:${http}\n` },
      { text: 'bind :443 ssl', by: `bind 127.0.0.1:${https} ssl` },
      { text: '/etc/haproxy/certs/porchlight.example.org.pem', by: pem },
      { text: 'server porchlight 127.0.0.1:3000', by: `server porchlight 127.0.0.1:${behind}` },
    ],
  }),
  surroundings: () => ({}),
  // With a master, as Debian's unit starts it, so that it can be reloaded.
  command: ({ folder }) => ({ program: PROGRAM, args: ['-W', '-f', join(folder, 'haproxy.cfg')] }),
  reload: (_site, child) => void child.kill('SIGUSR2'),
}
