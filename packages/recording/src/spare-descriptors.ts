import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'

/**
 * More than the recorder opens at once: a journal segment beside the full ones that wait for their sync, a file and a directory that
 * are made durable, and a file that is written.
 */
const most = 10

/**
 * File descriptors that are held back while there are any, so that a process which has no more of them still records. They are
 * the process's, as its descriptors are.
 */
const spares: number[] = []

/** Opens something; where no descriptor is left, in place of a spare one. @throws what `open` threw, once there is no spare either */
export function withSpare<T>(open: () => T): T {
  for (;;) {
    try {
      return open()
    } catch (thrown) {
      if (!isOutOfDescriptors(thrown) || spares.length === 0) throw thrown
      closeSync(spares.pop()!)
    }
  }
}

/** Holds back as many as there should be, or can be. */
export function refillSpares(): void {
  try {
    while (spares.length < most) spares.push(openSync(devNull, 'r'))
  } catch {
    // There are none to be had: the next time that one is closed, it is taken.
  }
}

/** Of this process, or of the machine. */
function isOutOfDescriptors(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return code === 'EMFILE' || code === 'ENFILE'
}
