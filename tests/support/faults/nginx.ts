import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { statusOf, temporaryFolder, waitUntil } from '../server.ts'
import { nginxProgram } from './machine.ts'

export interface Nginx {
  stop(): Promise<void>
}

/**
 * What is written into nginx's configuration, at each of its levels. `listen` is the port with what belongs to it, such
 * as `ssl`.
 */
interface Configuration {
  port: number
  behind: number
  listen?: string
  http?: string
  server?: string
  location: string
}

/** Debian's nginx in front of a server. */
export async function startNginx({
  port,
  behind,
  listen = '',
  http = '',
  server = '',
  location,
}: Configuration): Promise<Nginx> {
  const folder = temporaryFolder()
  for (const name of ['cache', 'body', 'proxy']) mkdirSync(join(folder, name))
  writeFileSync(
    join(folder, 'nginx.conf'),
    `
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
      ${http.replaceAll('FOLDER', folder)}
      upstream porchlight { server 127.0.0.1:${behind}; keepalive 16; }
      server {
        listen 127.0.0.1:${port} ${listen};
        ${server}
        location / {
          ${location}
        }
      }
    }`,
  )
  const child = spawn(nginxProgram(), ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  })
  const ended = new Promise<void>(done => child.on('exit', () => done()))
  // Over TLS too: what it says to a plain request is an answer.
  await waitUntil(async () => (await statusOf(port, '/healthz')) !== null, 'nginx to listen')
  return {
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** As eager a cache as can be configured: it keeps every answer that does not forbid it, for everybody, and tells in
 * `X-Cache`
 * what came out of it. */
export function startSharedCache(port: number, behind: number): Promise<Nginx> {
  return startNginx({
    port,
    behind,
    http: 'proxy_cache_path FOLDER/cache keys_zone=shared:8m;',
    location: `
      proxy_pass http://porchlight;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_cache shared;
      proxy_cache_key $host$request_uri;
      proxy_cache_valid any 10m;
      add_header X-Cache $upstream_cache_status always;`,
  })
}
