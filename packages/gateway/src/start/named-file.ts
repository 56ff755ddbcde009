import { readFileSync } from 'node:fs'
import { CannotStart } from '../cannot-start.ts'

/** @param key of the configuration that names the file @throws CannotStart where it cannot be read */
export function readNamed(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CannotStart(5, `${file}, which ${key} names, cannot be read`, 'see that it is there', { cause })
  }
}
