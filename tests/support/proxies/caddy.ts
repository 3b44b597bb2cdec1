import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { programAbility } from './program-ability.ts'
import type { ReverseProxy } from './reverse-proxy.ts'

const PROGRAM = '/usr/bin/caddy'

export const caddy: ReverseProxy = {
  name: 'Caddy',
  ability: programAbility(PROGRAM, 'version'),
  shipped: ({ folder, http, https, behind, cert, key }) => ({
    Caddyfile: [
      {
        text: '{$SITE_HOST:porchlight.example.org} {\n',
        by: `{
	http_port ${http}
	https_port ${https}
	default_bind 127.0.0.1
	skip_install_trust
	storage file_system ${folder}/storage
	admin unix/${folder}/admin.sock
}
localhost {
	tls ${cert} ${key}
`,
      },
      { text: '{$PORCHLIGHT_ADDRESS:127.0.0.1:3000}', by: `127.0.0.1:${behind}` },
    ],
  }),
  surroundings: () => ({}),
  command: ({ folder }) => ({
    program: PROGRAM,
    args: ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')],
  }),
  reload: ({ folder }) =>
    void execFileSync(
      PROGRAM,
      [
        'reload',
        '--force',
        '--adapter',
        'caddyfile',
        '--config',
        join(folder, 'Caddyfile'),
        '--address',
        `unix/${folder}/admin.sock`,
      ],
      { stdio: 'pipe' },
    ),
}
