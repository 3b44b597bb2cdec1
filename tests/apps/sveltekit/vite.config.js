import node from '@sveltejs/adapter-node'
import files from '@sveltejs/adapter-static'
import { sveltekit } from '@sveltejs/kit/vite'
import { defineConfig } from 'vite'

// One project, built in both ways that SvelteKit knows: a server, and files.
const isStatic = process.env.TARGET === 'static'

export default defineConfig({
  // Served by Porchlight, so that there is nothing to bundle.
  build: { rolldownOptions: { external: ['/_porchlight/client.js'] } },
  plugins: [
    sveltekit({
      adapter: isStatic ? files({ fallback: '200.html' }) : node(),
      files: { src: isStatic ? 'src-static' : 'src' },
    }),
  ],
})
