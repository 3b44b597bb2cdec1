import type { Cursor, PresenceEvent, PresenceRequest } from '#contract/demo/notes.ts'
import type { Peers } from '../utils/notes-peers.ts'

/** As often as the service forwards pointers. */
const EVERY_MS = 50

/**
 * My other windows with the notes open, and their pointers, over a WebSocket. Those of other people are not shown.
 */
export function useNotesPresence(area: Readonly<Ref<HTMLElement | null>>) {
  const peers = shallowRef<Peers>(new Map())
  const mine = computed(() => [...peers.value.values()].filter(peer => peer.mine))
  let socket: WebSocket | null = null
  let wanted: Cursor | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  const { state } = useNotesLink(
    ({ opened, lost }) => {
      const opening = (socket = new WebSocket(
        `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/api/notes/presence`,
      ))
      opening.onopen = opened
      opening.onmessage = ({ data }: MessageEvent<string>) => {
        peers.value = withPresence(peers.value, JSON.parse(data) as PresenceEvent)
      }
      opening.onclose = () => {
        peers.value = new Map()
        lost()
      }
      return () => {
        opening.onclose = null
        opening.close()
        peers.value = new Map()
      }
    },
    { restsWhenHidden: false },
  )

  function send(): void {
    timer = undefined
    if (socket?.readyState !== WebSocket.OPEN || mine.value.length === 0) return
    socket.send(JSON.stringify({ type: 'cursor', cursor: wanted } satisfies PresenceRequest))
  }
  /** @param cursor null: the pointer has left */
  function point(cursor: Cursor | null): void {
    wanted = cursor
    if (mine.value.length > 0) timer ??= setTimeout(send, EVERY_MS)
  }
  /** Touches are ignored: a finger has no position between taps. */
  function onPointer(event: PointerEvent): void {
    const box = area.value?.getBoundingClientRect()
    if (box === undefined || event.pointerType === 'touch') return
    const share = (at: number, from: number, size: number) => Math.min(1, Math.max(0, (at - from) / size))
    point({ x: share(event.clientX, box.left, box.width), y: share(event.clientY, box.top, box.height) })
  }
  onBeforeUnmount(() => clearTimeout(timer))

  return {
    /** How many of my windows show the notes, this one included. */
    windows: computed(() => (state.value === 'live' ? mine.value.length + 1 : 1)),
    pointers: computed(() => mine.value.flatMap(({ id, cursor }) => (cursor === null ? [] : [{ id, ...cursor }]))),
    onPointer,
    point,
  }
}
