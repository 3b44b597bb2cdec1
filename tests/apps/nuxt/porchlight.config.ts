import { defineConfig } from 'porchlight'

export default defineConfig({
  passwordMinLength: 8,
  upstreams: [
    { name: 'orders', target: process.env.ORDERS_URL ?? '', websocket: true },
    { name: 'stock', target: process.env.STOCK_URL ?? '', audience: 'the-stock-room' },
  ],
})
