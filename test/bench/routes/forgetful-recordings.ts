/** The recording package with recorders that take everything and write nothing: what policy costs without them. */
import { openRecordings as openReal, type Recordings, type RecordingsOptions } from '@sallyport/recording'

export * from '@sallyport/recording'

export async function openRecordings(options: RecordingsOptions): Promise<Recordings> {
  const recordings = await openReal(options)
  recordings.open = () => ({
    append: () => {},
    commit: () => {},
    durable: () => Promise.resolve(),
    close: () => Promise.resolve(),
  })
  return recordings
}
