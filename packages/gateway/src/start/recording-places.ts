import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordingPlace } from './foundation.ts'

/** Where the one process that there is records, or the one that starts the others would; and where others have, or will. */
export function ownRecordings(dataDirectory: string, processes = 0): RecordingPlace {
  const directory = join(dataDirectory, 'recordings')
  const found = existsSync(directory)
    ? readdirSync(directory).filter((name) => /^process-\d+$/.test(name))
    : []
  const named = Array.from({ length: processes }, (_, i) => nameOf(i + 1))
  return { directory, beside: [...new Set([...found, ...named])].map((name) => join(directory, name)) }
}

/** Where one of several processes records. */
export function recordingsOf(dataDirectory: string, process: number): RecordingPlace {
  return { directory: join(dataDirectory, 'recordings', nameOf(process)) }
}

const nameOf = (process: number): string => `process-${process}`
