import { expect, test } from 'vitest'
import { boundedLines } from './bounded-lines.ts'

async function* inPieces(text: Buffer, size: number) {
  for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size)
}
async function read(text: Buffer | string, size = 3, maxBytes = 10) {
  const lines: [number, string | null][] = []
  for await (const { number, text: line } of boundedLines(inPieces(Buffer.from(text), size), maxBytes))
    lines.push([number, line])
  return lines
}

test('lines are numbered from one, empty ones too; the last needs no line break', async () => {
  for (const size of [1, 2, 3, 100]) {
    expect(await read('a\n\nü灯\nd', size)).toEqual([
      [1, 'a'],
      [2, ''],
      [3, 'ü灯'],
      [4, 'd'],
    ])
    expect(await read('', size)).toEqual([])
    expect(await read('a\n', size)).toEqual([[1, 'a']])
  }
})

test('a line that is too long or no text is told apart, and the next is read', async () => {
  for (const size of [1, 7, 100]) {
    expect(await read(`${'x'.repeat(10)}\n${'x'.repeat(11)}\nok`, size)).toEqual([
      [1, 'x'.repeat(10)],
      [2, null],
      [3, 'ok'],
    ])
    expect(await read(Buffer.concat([Buffer.from([0xff, 0x0a]), Buffer.from('ok')]), size)).toEqual([
      [1, null],
      [2, 'ok'],
    ])
  }
})

test('a byte order mark is no part of the first line', async () => {
  expect(await read('\ufeffok')).toEqual([[1, 'ok']])
})
