/** Every limit of SSH connections, with its number. docs/ssh.md says them to users. */

/** A log-in, from the first byte, and what it waits for people: as OpenSSH's LoginGraceTime. */
export const loginGraceMs = 120_000
/** Log-in attempts on one connection, keys that are offered included: as OpenSSH's MaxAuthTries. */
export const maxLogInAttempts = 6
/** Requests of a log-in, with those that are no attempts yet: good keys that are offered, the first `none`, answers that never came. */
export const maxLogInRequests = 20
/** What a target may take to be logged in to, once it is reached. */
export const targetLoginMs = 20_000

/** Open at once on one connection: as OpenSSH's MaxSessions. */
export const maxSessionChannels = 10
/** Connections that are carried at once on one connection, in both directions. */
export const maxForwardChannels = 32
/** Ports and sockets at the target that lead to the client, on one connection. */
export const maxRemoteForwards = 8
/** Requests of a channel, or of a connection, that wait for their answer. */
export const maxPendingRequests = 64
/** Variables that a client sets for one command, and how long name and value may be together. */
export const maxVariables = 64
export const maxVariableBytes = 4096
/** A command, as it is sent: Linux takes 128 KiB in one argument. */
export const maxCommandBytes = 128 * 1024
/** Terminal modes are five bytes each, and there are not a hundred. */
export const maxModesBytes = 1024

/** What a peer may send on a channel before we say that there is room again: as OpenSSH has it. */
export const windowBytes = 2 * 1024 * 1024
export const maxPacketBytes = 32 * 1024
/** What may wait to be written to one connection before its channels take no more. */
export const socketBacklogBytes = 1024 * 1024

/** A peer that answers nothing is asked this often, and given up after so many times. */
export const keepaliveMs = 15_000
export const keepaliveTries = 3

/** How long something pauses that must be watched, and is not, before it ends. */
export const maxPauseMs = 5 * 60_000
/** How long last words may take to be read before the connection is cut. */
export const lastWordsMs = 2_000
/**
 * How long a program may still write and end by itself whose client closed its channel before it had. A client that waits for
 * the exit status closes only after the program's output has ended: then the program may take as long as it does.
 */
export const leftBehindMs = 2_000
/** How much of what a command without a terminal writes is kept, of each of its streams. */
export const keptOutputBytes = 1024 * 1024
