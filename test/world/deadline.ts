/** A time limit that names what was waited for. Ends with `using`. */
export function deadline(timeoutMs: number, complaint: () => string): Deadline {
  const over = Promise.withResolvers<never>()
  over.promise.catch(() => {}) // nobody may be waiting when it strikes
  const timer = setTimeout(() => over.reject(new Error(`after ${timeoutMs} ms: ${complaint()}`)), timeoutMs)
  return {
    orThrow: (promise) => Promise.race([promise, over.promise]),
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}

export interface Deadline extends Disposable {
  /** What `promise` gives, where it does so in time. */
  orThrow<T>(promise: Promise<T>): Promise<T>
}
