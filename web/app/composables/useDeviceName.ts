import type { WireDevice } from '#contract/wire.ts'

/** A name such as "Firefox on macOS", as far as it is known. */
export function useDeviceName(): (device: WireDevice) => string {
  const { t } = useI18n()
  return ({ browser, system }) => {
    if (browser !== null && system !== null) return t('device.on', { browser, system })
    return browser ?? system ?? t('device.unknown')
  }
}
