import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { statusOf, temporaryFolder, waitUntil } from '../../support/server.ts'
import { nginxProgram } from './machine.ts'

export interface SharedCache { stop(): Promise<void> }

/** Debian's nginx as a cache in front, as eager as it can be configured: it keeps every answer that does not forbid it, for
 * everybody, and tells in `X-Cache` what came out of it. */
export async function startSharedCache(port: number, behind: number): Promise<SharedCache> {
  const folder = temporaryFolder()
  for (const name of ['cache', 'body', 'proxy']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'nginx.conf'), `
    daemon off;
    worker_processes 1;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    pid ${folder}/pid;
    error_log ${folder}/error.log;
    events { worker_connections 1024; }
    http {
      access_log off;
      client_body_temp_path ${folder}/body;
      proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi;
      scgi_temp_path ${folder}/scgi;
      proxy_cache_path ${folder}/cache keys_zone=shared:8m;
      upstream porchlight { server 127.0.0.1:${behind}; keepalive 16; }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://porchlight;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_cache shared;
          proxy_cache_key $host$request_uri;
          proxy_cache_valid any 10m;
          add_header X-Cache $upstream_cache_status always;
        }
      }
    }`)
  const child = spawn(nginxProgram(), ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], { stdio: 'ignore' })
  const ended = new Promise<void>(done => child.on('exit', () => done()))
  await waitUntil(async () => await statusOf(port, '/healthz') !== null, 'nginx to listen')
  return {
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
