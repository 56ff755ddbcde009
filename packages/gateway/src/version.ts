import description from '../package.json' with { type: 'json' }

/** This gateway's version, as its package says. */
export const { version } = description
