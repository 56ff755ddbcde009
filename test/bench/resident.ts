import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Bytes of memory that are resident, of a process. Linux only. */
export function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kibibytes) * 1024
}

/** The same, once it has hardly changed for a while: garbage goes when a process is left in peace. */
export async function settledBytes(pid: number): Promise<number> {
  let reference = residentBytes(pid)
  let quiet = 0
  for (let waited = 0; waited < mostWaitMs && quiet < quietMs; waited += pauseMs) {
    await sleep(pauseMs)
    const now = residentBytes(pid)
    const isQuiet = Math.abs(now - reference) <= reference * 0.005
    quiet = isQuiet ? quiet + pauseMs : 0
    if (!isQuiet) reference = now
  }
  return residentBytes(pid)
}

/** The most that a process has had, once that has not grown any more for a while. @returns undefined where it never stopped growing */
export async function peakBytes(
  pids: readonly number[],
  stillMs: number,
  mostMs: number,
): Promise<number[] | undefined> {
  let peaks = pids.map(residentBytes)
  let still = 0
  for (let waited = 0; waited < mostMs; waited += pauseMs) {
    await sleep(pauseMs)
    const now = pids.map((pid, at) => Math.max(peaks[at]!, residentBytes(pid)))
    const hasGrown = now.some((bytes, at) => bytes > peaks[at]! + stepBytes)
    if (hasGrown) peaks = now
    still = hasGrown ? 0 : still + pauseMs
    if (still >= stillMs) return now
  }
  return undefined
}

/** Short enough to see a peak that garbage makes. */
const pauseMs = 100
const quietMs = 4_000
const mostWaitMs = 60_000
/** Less than this is not growth. */
const stepBytes = 256 * 1024
