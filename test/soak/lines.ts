import type { Line } from './judge.ts'
import type { Sample } from './sample.ts'
import { middle } from './trend.ts'

const mebibyte = 1024 * 1024

/** All that is judged. A tolerance is what noise makes of a flat line over the judged part of a run, however long it is. */
export const lines: readonly Line[] = [
  {
    id: 'gateway-rss',
    title: 'Gateway: resident memory',
    meaning: 'What the process takes of the machine. The least of each span: what garbage leaves behind.',
    unit: 'bytes',
    value: ({ gateway }) => gateway.rss,
    take: 'least',
    mayNot: 'rise',
    tolerance: { share: 0.06, least: 12 * mebibyte },
  },
  {
    id: 'gateway-heap',
    title: 'Gateway: JavaScript heap',
    meaning: 'Objects. A leak of sessions, timers or listeners shows here first.',
    unit: 'bytes',
    value: ({ gateway }) => gateway.heap,
    take: 'least',
    mayNot: 'rise',
    tolerance: { share: 0.08, least: 6 * mebibyte },
  },
  {
    id: 'agent-rss',
    title: 'Agent: resident memory',
    meaning: 'Of the agent that is never restarted, while the other one comes and goes.',
    unit: 'bytes',
    value: ({ agent }) => agent.rss,
    take: 'least',
    mayNot: 'rise',
    tolerance: { share: 0.06, least: 10 * mebibyte },
  },
  {
    id: 'gateway-descriptors',
    title: 'Gateway: descriptors beyond clients',
    meaning:
      'Open files and sockets without those of client connections: listeners, tunnels, store, recordings.',
    unit: 'count',
    value: ({ gateway }) => gateway.descriptors - gateway.connections,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0, least: 4 },
  },
  {
    id: 'agent-descriptors',
    title: 'Agent: descriptors',
    meaning: 'Open files and sockets: one for each connection to a target, and a few of its own.',
    unit: 'count',
    value: ({ agent }) => agent.descriptors,
    take: 'least',
    mayNot: 'rise',
    tolerance: { share: 0.25, least: 6 },
  },
  {
    id: 'sessions',
    title: 'Live sessions',
    meaning:
      'Clients come at a steady rate and stay as long as ever: the number of those who are there is steady too.',
    unit: 'count',
    value: ({ gateway }) => gateway.sessions,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0.35, least: 5 },
    reason: crowded,
  },
  {
    id: 'backends',
    title: 'Connections to the target beyond sessions',
    meaning: 'Side connections that read the catalogue, and cancels. Anything else would be forgotten.',
    unit: 'count',
    value: ({ backends, gateway }) => backends - gateway.sessions,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0, least: 3 },
  },
  {
    id: 'loop-delay',
    title: 'Gateway: event loop, 99th percentile',
    meaning: 'What everybody waits beside their own work. It is the machine’s too, where others use it.',
    unit: 'ms',
    value: ({ gateway }) => gateway.loopDelayMs,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0.6, least: 25 },
    reason: crowded,
  },
  {
    id: 'cpu',
    title: 'Gateway: processor time',
    meaning: 'The same load should cost the same after an hour. In hundredths of a core, all threads.',
    unit: 'count',
    value: ({ gateway }) => gateway.cpu * 100,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0.5, least: 10 },
  },
  {
    id: 'operations',
    title: 'Operations',
    meaning:
      'Decided, recorded and passed. Clients come at a rate of their own: it falls where Sallyport does not keep up.',
    unit: 'per second',
    value: ({ gateway }) => gateway.operationsPerSecond,
    take: 'middle',
    mayNot: 'fall',
    tolerance: { share: 0.3, least: 5 },
    reason: crowded,
  },
  {
    id: 'journal',
    title: 'Journal',
    meaning: 'Written ahead of the recordings, and removed once these are durable.',
    unit: 'bytes',
    value: ({ gateway }) => gateway.journal,
    take: 'least',
    mayNot: 'rise',
    tolerance: { share: 0, least: 18 * mebibyte },
  },
  {
    id: 'recordings',
    title: 'Recordings',
    meaning: 'Sealed ones, those in progress, and the journal.',
    unit: 'bytes',
    value: ({ recordings }) => recordings,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0.1, least: mebibyte },
    reason: 'every session leaves its recording: that is what the disk is for',
  },
  {
    id: 'store',
    title: 'Store',
    meaning: 'Sessions that were, and the audit log of what was changed.',
    unit: 'bytes',
    value: ({ store }) => store,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0.1, least: mebibyte },
    reason: 'it keeps a row for each session and review, and an entry for each change',
  },
  {
    id: 'machine',
    title: 'The machine',
    meaning: 'What wants to run on it, for each processor: the soak’s own programs, and those of others.',
    unit: 'count',
    value: ({ machineLoad }) => machineLoad,
    take: 'middle',
    mayNot: 'rise',
    tolerance: { share: 0.5, least: 1 },
    reason: 'it is not ours alone',
  },
]

/** Where others take the processors, clients and gateway wait for those, and not for each other. */
function crowded(samples: readonly Sample[]): string | undefined {
  const load = middle(samples.map(({ machineLoad }) => machineLoad))
  return load < 2
    ? undefined
    : `others use the machine as well: ${load.toFixed(1)} programs want each processor`
}
