const CHANNEL = 'porchlight'

let channel: BroadcastChannel | null = null
const open = (): BroadcastChannel => (channel ??= new BroadcastChannel(CHANNEL))

/** Says that somebody signed in or out here. The others ask the server themselves: the message carries nothing. */
export function tellOtherTabs(): void {
  open().postMessage(null)
}

export function onOtherTab(listener: () => void): void {
  open().addEventListener('message', listener)
}
