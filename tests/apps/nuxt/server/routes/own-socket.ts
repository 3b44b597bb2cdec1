export default defineWebSocketHandler({
  open: peer => void peer.send('open'),
  message: (peer, message) => void peer.send(`heard ${message.text()}`),
})
