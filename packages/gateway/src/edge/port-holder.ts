import { readdir, readFile, readlink } from 'node:fs/promises'

/**
 * Which process listens on a TCP port, as `name (pid)`. Best effort: Linux only, and only processes that we may look at.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
 */
export async function portHolder(port: number): Promise<string | undefined> {
  try {
    const inodes = new Set<string>()
    for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
      for (const inode of listening(await readFile(table, 'utf8').catch(() => ''), port)) inodes.add(inode)
    }
    if (inodes.size === 0) return undefined
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      if (!(await holds(pid, inodes))) continue
      return `${(await readFile(`/proc/${pid}/comm`, 'utf8')).trim()} (pid ${pid})`
    }
  } catch {
    // No /proc, or a process that ended while we looked.
  }
  return undefined
}

/** Socket inodes in state LISTEN (0A) on the port, from a table of `sl local_address rem_address st … inode`. */
export function listening(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === '0A')
    .flatMap((fields) => fields[9] ?? [])
}

async function holds(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  for (const fd of await readdir(folder).catch(() => [])) {
    const link = await readlink(`${folder}/${fd}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
    if (inode !== undefined && inodes.has(inode)) return true
  }
  return false
}
