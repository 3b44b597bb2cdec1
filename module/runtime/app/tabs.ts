const CHANNEL = 'porchlight'

let channel: BroadcastChannel | null = null
const open = (): BroadcastChannel => (channel ??= new BroadcastChannel(CHANNEL))

/** Reports a sign-in or sign-out to the other tabs, which then ask the server: the message carries nothing. */
export function tellOtherTabs(): void {
  open().postMessage(null)
}

export function onOtherTab(listener: () => void): void {
  open().addEventListener('message', listener)
}
