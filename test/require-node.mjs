// Runs under whichever Node.js comes first on PATH once packages are installed: that must be the pinned one.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(
    `Sallyport needs Node.js >= 24.15, and no pinned build fits this platform (${process.platform}-${process.arch}).\n` +
      `This is Node.js ${process.version}. Install Node.js 24 or newer, then run the same command again.`,
  )
  process.exit(1)
}
