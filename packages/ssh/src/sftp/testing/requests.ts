import { openFlag } from '../codec/packets.ts'
import { request, response } from './packets.ts'
import type { World } from './world.ts'

export const path = (text: string): Buffer => Buffer.from(text)
export const open = (id: number, at: string, flags: number = openFlag.read): Buffer =>
  request(id, { is: 'open', path: path(at), flags, attributes: {} })
export const named = (...names: readonly string[]) => ({ is: 'name' as const, names: names.map(path) })
export const failed = (code: number) => ({ is: 'status' as const, code })

/** Opens a file that is what it is called. */
export function opened(world: World, handle: string, at: string, flags: number, id = 1): void {
  world.client(open(id, at, flags))
  world.answer(named(at))
  world.server(response(id, { is: 'handle', handle }))
}
