/** The files of a `parallel_schedule`, in its order: what runs in one group there runs one by one here. */
export function readSchedule(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('test:'))
    .flatMap((line) => line.slice('test:'.length).trim().split(/\s+/))
}
