import fc from 'fast-check'
import { PresenceRequest } from '../../server/contract/demo/notes.ts'
import { answersIn, judge } from '../support/fuzz/answers.ts'
import { frame, handshake, textFrame } from '../support/fuzz/frames.ts'
import { fuzz } from '../support/fuzz/fuzz.ts'
import { endsWell, groundOfFile } from '../support/fuzz/ground.ts'
import { fromSchema } from '../support/fuzz/values.ts'
import { deliver, type Ending, ENDINGS } from '../support/fuzz/wire.ts'

const ground = groundOfFile(() => ({}))

/** What the sample's WebSocket, which reads frames itself, is sent. */
interface Said {
  frames: string[]
  ending: Ending
}

const message = fc.oneof(
  fromSchema(PresenceRequest).map(value => textFrame(JSON.stringify(value) ?? '')),
  fc
    .constantFrom(
      '',
      '{',
      'null',
      '[]',
      '{"type":"cursor","cursor":{"x":1e999,"y":-1}}',
      '{"type":"__proto__"}',
      '\ud800',
      'x'.repeat(60_000),
    )
    .map(textFrame),
  frame(['a', '\xff', '{"type":"cursor","cursor":null}']),
)

fuzz<Said>('presence', {
  input: fc.record({ frames: fc.array(message, { maxLength: 6 }), ending: fc.constantFrom(...ENDINGS) }),
  batch: 8,
  async run({ frames, ending }) {
    const { server, admin } = ground
    const lines = [
      'GET /api/notes/presence HTTP/1.1',
      `Host: ${new URL(server.origin).host}`,
      `Cookie: ${admin.jar.header() ?? ''}`,
      ...handshake('dGhlIHNhbXBsZSBub25jZQ=='),
      '',
      '',
    ]
    const head = lines.join('\r\n').replace('{origin}', server.origin)
    const bytes = await deliver(server.port, {
      pieces: [head, ...frames].map(piece => Buffer.from(piece, 'latin1')),
      ending,
      quietMs: 100,
    })
    const text = bytes.toString('latin1')
    if (text.startsWith('HTTP/1.1 101')) return
    for (const answer of answersIn(bytes)) judge(answer)
    ground.seen(text)
  },
  beside: batch => ground.beside(batch),
  settle: () => ground.settle(),
})

endsWell(ground)
