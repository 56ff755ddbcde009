/** What to say to a Node.js that cannot run this, undefined for one that can: what it would say itself is no help. */
export function cannotRun(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return undefined
  return `error: Sallyport needs Node.js ${oldest.major}.${oldest.minor} or newer, and this is ${version}\n  next: install it, or put it first on PATH\n`
}

/** As `engines` in package.json has it. */
const oldest = { major: 24, minor: 15 }
