/** A value that is there already, or will be. */
export type MaybePromise<T> = T | Promise<T>

/**
 * Goes on with a value at once where it is there. On the way of every request a promise costs more than most steps do.
 */
export function mapMaybe<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
