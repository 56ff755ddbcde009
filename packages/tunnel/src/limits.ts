/** Every limit of the tunnel, with its number. Tests shorten the times. */
export interface TunnelLimits {
  /** Connections that one agent may carry at once. */
  readonly streamsPerAgent: number
  /** TCP connections on the agents' port, all told. */
  readonly connections: number
  /** How long a connection may stay without a certificate of ours: enrolment takes one call. */
  readonly strangerMs: number
  /** Between accepting a connection and the end of its TLS handshake. */
  readonly handshakeMs: number
  /** Enrolments and renewals under way at once. */
  readonly enrolments: number
  /** Between the start of a call and the message that must come first. */
  readonly firstMessageMs: number
  readonly pingIntervalMs: number
  /** Silence after which the other end is taken for dead. */
  readonly deadAfterMs: number
  /** How often an agent that lives is looked up in the directory, in case nobody called `cut`. */
  readonly recheckMs: number
  readonly ticketMs: number
  /** One attempt to reach a target through one agent. */
  readonly openMs: number
  /** How many agents of a pool are tried. */
  readonly attempts: number
  /** For an agent's answer with a credential. */
  readonly credentialMs: number
  /** Commands waiting for an agent that does not read them. */
  readonly commandsWaiting: number
}

export const defaultLimits: TunnelLimits = {
  streamsPerAgent: 10_000,
  connections: 10_000,
  strangerMs: 30_000,
  handshakeMs: 10_000,
  enrolments: 16,
  firstMessageMs: 5_000,
  pingIntervalMs: 10_000,
  deadAfterMs: 30_000,
  recheckMs: 30_000,
  ticketMs: 10_000,
  openMs: 5_000,
  attempts: 3,
  credentialMs: 5_000,
  commandsWaiting: 1_024,
}

/** The largest gRPC message either end accepts: a frame of data is at most a quarter of it. */
export const maxMessageBytes = 256 * 1024

/**
 * HTTP/2 flow control windows. A stream's covers the bandwidth-delay product of 500 Mbit/s at 64 ms, as much as the system's own
 * windows for TCP do; it is also what a stalled reader costs at most in memory. Beyond 4 streams on a connection it shrinks, so
 * that all of them stay within the budget: 128 MiB for an agent's {@link trafficConnections} together.
 */
export const windows = {
  streamBytes: 4 * 1024 * 1024,
  connectionBytes: 32 * 1024 * 1024,
  budgetBytes: 16 * 1024 * 1024,
} as const

/** The most TCP connections that carry traffic between an agent and one process of a gateway. */
export const trafficConnections = 8
/** From this round trip on there is more than one of them. */
export const distantMs = 5
