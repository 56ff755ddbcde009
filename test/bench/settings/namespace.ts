import { spawnSync } from 'node:child_process'

/** A network of its own, joined to ours by a wire that takes its time. */
export interface Namespace extends Disposable {
  /** Runs a command in it: put before the command. */
  readonly runner: readonly string[]
  /** Its end of the wire. */
  readonly insideAddress: string
  /** Our end of the wire. */
  readonly outsideAddress: string
}

/**
 * Makes a network namespace whose wire delays every packet by `delayMs` each way, as the kernel's netem does.
 * @returns why not, where we may not
 */
export function makeNamespace(delayMs: number): Namespace | string {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux may make one'
  const name = `sally-${process.pid}`
  const [inside, outside] = [`${name}-in`.slice(-15), `${name}-out`.slice(-15)]
  // One pair of addresses for each process: several benches may run at once.
  const network = `10.231.${process.pid % 256}`
  const slots = { insideAddress: `${network}.2`, outsideAddress: `${network}.1` }
  const remove = (): void => void spawnSync('ip', ['netns', 'del', name])
  const delay = `netem delay ${delayMs}ms limit 100000`
  const commands = [
    `ip netns add ${name}`,
    `ip link add ${outside} type veth peer name ${inside} netns ${name}`,
    `ip addr add ${slots.outsideAddress}/30 dev ${outside}`,
    `ip link set ${outside} up`,
    `ip netns exec ${name} ip addr add ${slots.insideAddress}/30 dev ${inside}`,
    `ip netns exec ${name} ip link set ${inside} up`,
    `ip netns exec ${name} ip link set lo up`,
    `tc qdisc add dev ${outside} root ${delay}`,
    `ip netns exec ${name} tc qdisc add dev ${inside} root ${delay}`,
  ]
  for (const command of commands) {
    const [program, ...args] = command.split(' ')
    const { status, stderr, error } = spawnSync(program!, args, { encoding: 'utf8' })
    if (status === 0) continue
    remove()
    return `${command}: ${error?.message ?? stderr.trim()}`
  }
  return { runner: ['ip', 'netns', 'exec', name], ...slots, [Symbol.dispose]: remove }
}
