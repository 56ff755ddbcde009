import { z } from 'zod'

/** Where the audit log goes besides the store. */
export const auditSchema = z.strictObject({
  /** One entry a line is appended. */
  file: z.string().min(1).optional(),
  syslog: z
    .strictObject({
      /** The port may be left out. */
      to: z
        .string()
        .regex(
          /^(udp|tcp|tls):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/,
          'use tls://HOST, tcp://HOST or udp://HOST, with or without :PORT',
        ),
      /** PEM file, where the system does not know who signs the receiver's certificate. */
      certificateAuthority: z.string().optional(),
    })
    .optional(),
})
