declare module 'ssh2/lib/protocol/utils.js' {
  const utils: {
    /** Encrypts and writes a packet, or keeps it until a change of keys is through. */
    sendPacket(protocol: object, packet: Buffer, bypass?: boolean): boolean
  }
  export default utils
}
