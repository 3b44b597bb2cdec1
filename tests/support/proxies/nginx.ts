import { join } from 'node:path'
import { nginx as ability, nginxProgram } from '../faults/machine.ts'
import type { ReverseProxy } from './reverse-proxy.ts'

export const nginx: ReverseProxy = {
  name: 'nginx',
  ability,
  shipped: ({ http, https, behind, cert, key }) => ({
    'nginx.conf': [
      { text: 'listen 80;', by: `listen 127.0.0.1:${http};` },
      { text: 'listen 443 ssl http2;', by: `listen 127.0.0.1:${https} ssl http2;` },
      { text: 'listen [::]:80;', by: '' },
      { text: 'listen [::]:443 ssl http2;', by: '' },
      { text: 'https://$host$', by: `https://$host:${https}$` },
      { text: '/etc/letsencrypt/live/porchlight.example.org/fullchain.pem', by: cert },
      { text: '/etc/letsencrypt/live/porchlight.example.org/privkey.pem', by: key },
      { text: 'server_name porchlight.example.org;', by: 'server_name localhost;', times: 2 },
      { text: 'server 127.0.0.1:3000;', by: `server 127.0.0.1:${behind};` },
    ],
  }),
  // As Debian's /etc/nginx/nginx.conf, but for the places of files.
  surroundings: ({ folder }) => ({
    'main.conf': `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
pid ${folder}/pid;
error_log stderr;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  access_log off;
  gzip on;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/${name};`).join(' ')}
  include ${folder}/nginx.conf;
}
`,
  }),
  command: ({ folder }) => ({ program: nginxProgram(), args: ['-c', join(folder, 'main.conf'), '-e', 'stderr'] }),
  reload: (_site, child) => void child.kill('SIGHUP'),
}
