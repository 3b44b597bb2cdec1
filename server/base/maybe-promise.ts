/** A value that is available now or later. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Applies `next` synchronously when the value is already available: on the hot path, awaiting a promise costs more than
 * most steps do.
 */
export function mapMaybe<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
