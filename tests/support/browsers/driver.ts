/**
 * What the journeys need of a browser, and both of these have. Everything a person does, is done by keys: that works
 * the same in both, and shows on the way that it can be done so.
 */
export interface BrowserUnderTest {
  /** The one tab of a new window's worth of cookies is shared by all. */
  newTab(): Promise<Tab>
  /** What no page may cause: errors on the console, exceptions, breaches of the policy. */
  readonly trouble: string[]
  close(): Promise<void>
}

export interface Tab {
  /** Loads an address and waits for it. */
  goto(url: string): Promise<void>
  back(): Promise<void>
  /** The value of an expression, or what its promise comes to, as JSON. */
  evaluate<T>(expression: string): Promise<T>
  /** Types into whatever has the focus. */
  type(text: string): Promise<void>
  bringToFront(): Promise<void>
}

/** Keys that have no character (WebDriver §17.4.2). */
export const ENTER = '\uE007'

export function keystrokes(text: string): { type: 'keyDown' | 'keyUp'; value: string }[] {
  return [...text].flatMap(value => [
    { type: 'keyDown', value },
    { type: 'keyUp', value },
  ])
}
