import { absolutePath, joinPath, splitPath } from '../../transfer/path.ts'
import { openFlag, status as code, type } from '../codec/packets.ts'
import { decodeRequest, type Request } from '../codec/requests.ts'
import { data, packetsOf, response, status, versionReply } from './packets.ts'

type Node = { kind: 'file'; content: Buffer } | { kind: 'directory' } | { kind: 'link'; to: string }

const missing = 2

/**
 * A server of SFTP over a file system in memory, which answers in order, follows symbolic links and does what it is asked. It tells where
 * each thing was really done.
 */
export class ModelTarget {
  readonly nodes = new Map<string, Node>([['/', { kind: 'directory' }]])
  /** Real paths that something was opened, changed or made at. */
  readonly touched: string[] = []
  readonly #handles = new Map<string, { readonly real: string; isListed: boolean }>()
  #nextHandle = 0
  readonly #isStrict: boolean

  /** @param isStrict REALPATH is refused where the last name does not exist, as by some servers */
  constructor(nodes: Readonly<Record<string, Node>>, isStrict: boolean) {
    this.#isStrict = isStrict
    for (const [path, node] of Object.entries(nodes)) this.nodes.set(path, node)
  }

  answer(bytes: Buffer): Buffer {
    return Buffer.concat(packetsOf(bytes).map(({ kind, id, bytes: it }) => this.#answer(kind, id, it)))
  }

  #answer(kind: number, id: number, bytes: Buffer): Buffer {
    if (kind === type.init) return versionReply(['posix-rename@openssh.com', '1'], ['fsync@openssh.com', '1'])
    if (kind === type.read || kind === type.write) return this.#piece(kind, id, bytes)
    return this.#request(id, decodeRequest(bytes, 0, bytes.length))
  }

  #piece(kind: number, id: number, bytes: Buffer): Buffer {
    const length = bytes.readUInt32BE(9)
    const open = this.#handles.get(bytes.toString('latin1', 13, 13 + length))
    const node = open === undefined ? undefined : this.nodes.get(open.real)
    if (open === undefined || node?.kind !== 'file') return status(id, code.failure)
    const offset = Number(bytes.readBigUInt64BE(13 + length))
    const size = bytes.readUInt32BE(21 + length)
    if (kind === type.read) {
      const found = node.content.subarray(offset, offset + size)
      return found.length === 0 ? status(id, code.eof) : data(id, found)
    }
    const content = Buffer.alloc(Math.max(node.content.length, offset + size))
    node.content.copy(content)
    bytes.copy(content, offset, 25 + length)
    node.content = content
    return status(id, code.ok)
  }

  #request(id: number, asked: Request): Buffer {
    switch (asked.is) {
      case 'realpath': {
        const real = this.#real(asked.path, true)
        return real === undefined || (this.#isStrict && !this.nodes.has(real))
          ? status(id, missing)
          : response(id, { is: 'name', names: [Buffer.from(real)] })
      }
      case 'readlink': {
        const node = this.#nodeAt(this.#real(asked.path, false))
        if (node?.kind !== 'link') return status(id, missing)
        return response(id, { is: 'name', names: [Buffer.from(node.to)] })
      }
      case 'stat':
      case 'lstat': {
        const node = this.#nodeAt(this.#real(asked.path, asked.is === 'stat'))
        return node === undefined ? status(id, missing) : response(id, { is: 'attrs', attributes: {} })
      }
      case 'open': {
        const real = this.#real(asked.path, true)
        const node = this.#nodeAt(real)
        const isMade = node === undefined && (asked.flags & openFlag.create) !== 0
        if (real === undefined || (!isMade && node?.kind !== 'file')) return status(id, missing)
        if (isMade) this.nodes.set(real, { kind: 'file', content: Buffer.alloc(0) })
        return this.#opened(id, real)
      }
      case 'opendir': {
        const real = this.#real(asked.path, true)
        if (real === undefined || this.#nodeAt(real)?.kind !== 'directory') return status(id, missing)
        return this.#opened(id, real)
      }
      case 'readdir': {
        const open = this.#handles.get(asked.handle)
        if (open === undefined || open.isListed) return status(id, code.eof)
        open.isListed = true
        return response(id, { is: 'name', names: [Buffer.from('.'), Buffer.from('..')] })
      }
      case 'close':
        return status(id, this.#handles.delete(asked.handle) ? code.ok : code.failure)
      case 'remove':
      case 'rmdir':
        return this.#change(id, asked.path, (real) => this.nodes.delete(real))
      case 'mkdir':
        return this.#make(id, asked.path, { kind: 'directory' })
      case 'symlink':
        return this.#make(id, asked.second, { kind: 'link', to: asked.first.toString() })
      case 'rename': {
        const to = this.#real(asked.to, false)
        if (to === undefined || this.nodes.has(to)) return status(id, code.failure)
        return this.#change(id, asked.from, (real) => {
          this.touched.push(to)
          const before = [...this.nodes]
          for (const [path, node] of before) {
            if (path !== real && !path.startsWith(`${real}/`)) continue
            this.nodes.delete(path)
            this.nodes.set(to + path.slice(real.length), node)
          }
        })
      }
      default:
        return status(id, code.unsupported)
    }
  }

  #opened(id: number, real: string): Buffer {
    this.touched.push(real)
    const handle = `h${this.#nextHandle++}`
    this.#handles.set(handle, { real, isListed: false })
    return response(id, { is: 'handle', handle })
  }

  #make(id: number, path: Buffer, node: Node): Buffer {
    const real = this.#real(path, false)
    if (real === undefined || this.nodes.has(real)) return status(id, code.failure)
    this.touched.push(real)
    this.nodes.set(real, node)
    return status(id, code.ok)
  }

  #change(id: number, path: Buffer, change: (real: string) => void): Buffer {
    const real = this.#real(path, false)
    if (real === undefined || real === '/' || !this.nodes.has(real)) return status(id, missing)
    this.touched.push(real)
    change(real)
    return status(id, code.ok)
  }

  #nodeAt(real: string | undefined): Node | undefined {
    return real === undefined ? undefined : this.nodes.get(real)
  }

  /** As realpath(3) finds it, but that the last name need not exist. */
  #real(path: Buffer, follows: boolean, depth = 0): string | undefined {
    if (depth > 8) return undefined
    const whole = path[0] === 0x2f ? path : joinPath(Buffer.from('/home'), path)
    const split = splitPath(whole)
    const names = whole.toString('latin1').split('/')
    let at = '/'
    for (const [i, name] of names.entries()) {
      const isLast = i === names.length - 1
      if (name === '' || name === '.') continue
      if (name === '..') {
        at = absolutePath(Buffer.from('..'), Buffer.from(at)).toString()
        continue
      }
      if (this.nodes.get(at)?.kind !== 'directory') return undefined
      const next = at === '/' ? `/${name}` : `${at}/${name}`
      const node = this.nodes.get(next)
      if (node?.kind === 'link' && (!isLast || follows || split === undefined)) {
        const target = joinPath(Buffer.from(at), Buffer.from(node.to))
        const real = this.#real(node.to.startsWith('/') ? Buffer.from(node.to) : target, true, depth + 1)
        if (real === undefined) return undefined
        at = real
      } else if (node === undefined && !isLast) return undefined
      else at = next
    }
    return at
  }
}
