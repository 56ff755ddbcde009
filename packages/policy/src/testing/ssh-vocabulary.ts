import type { ProtocolVocabulary } from '../vocabulary.ts'

/** SSH's words, for tests of policies alone: its own package has the true ones. */
export const sshVocabulary: ProtocolVocabulary = {
  name: 'ssh',
  actions: [
    { name: 'shell', group: 'dangerous', meaning: 'starts a log-in shell, in which anything may be typed' },
    { name: 'exec', group: 'dangerous', meaning: 'runs a command' },
    { name: 'subsystem', group: 'dangerous', meaning: 'starts a subsystem other than sftp' },
    { name: 'download', group: 'read', meaning: 'reads a file: by SFTP, scp, rsync or git' },
    { name: 'list', group: 'read', meaning: 'lists a directory, or asks what a path is and where it leads' },
    { name: 'upload', group: 'write', meaning: 'creates or writes a file: by SFTP, scp, rsync or git' },
    { name: 'remove', group: 'write', meaning: 'removes a file or a directory' },
    {
      name: 'rename',
      group: 'write',
      meaning: 'gives a file another path, or puts it in the place of another',
    },
    { name: 'make-directory', group: 'write', meaning: 'creates a directory' },
    { name: 'link', group: 'write', meaning: 'creates a symbolic or hard link' },
    { name: 'set-attributes', group: 'write', meaning: 'changes mode, owner, size or times of a file' },
    { name: 'forward-local', group: 'dangerous', meaning: 'connects from the target to a host and port' },
    { name: 'forward-socket', group: 'dangerous', meaning: 'connects to a Unix socket on the target' },
    {
      name: 'forward-remote',
      group: 'dangerous',
      meaning: 'has the target listen on a port or socket and sends what connects there to the client',
    },
    { name: 'forward-x11', group: 'dangerous', meaning: "gives programs on the target the client's screen" },
    {
      name: 'forward-agent',
      group: 'dangerous',
      meaning: "lets programs on the target use the client's keys",
    },
    { name: 'unparsed', group: 'dangerous', meaning: 'could not be understood: it may do anything' },
  ],
  facts: [
    {
      name: 'simple',
      type: 'boolean',
      meaning: 'one command with literal words only: it runs exactly these words, whatever the shell',
    },
    {
      name: 'command',
      type: 'string',
      meaning:
        'the words of a simple command, quoted where needed and joined by single spaces; empty for any other',
    },
    {
      name: 'argv',
      type: 'strings',
      meaning: 'the words of a simple command, as a set; empty for any other',
    },
    { name: 'text', type: 'string', meaning: 'the command as it was sent; to be compared whole' },
    { name: 'programs', type: 'strings', meaning: 'names of the programs that it runs, without directories' },
    { name: 'program_paths', type: 'strings', meaning: 'the same as written: `/bin/rm`, `./deploy.sh`' },
    {
      name: 'uses',
      type: 'strings',
      meaning:
        'each program with each of its arguments, clustered options apart: `rm -r`, `systemctl restart`',
    },
    { name: 'users', type: 'strings', meaning: 'accounts that it changes to: `root` for plain sudo' },
    {
      name: 'syntax',
      type: 'strings',
      meaning:
        'what of the shell it uses: `list`, `pipe`, `redirection`, `substitution`, `expansion`, `glob`, `background`…',
    },
    { name: 'environment', type: 'strings', meaning: 'environment variables that it sets' },
    {
      name: 'dynamic',
      type: 'boolean',
      meaning: 'part of what it does is not in its text: shells, interpreters, computed programs',
    },
    { name: 'terminal', type: 'boolean', meaning: 'it runs in a terminal' },
    {
      name: 'paths',
      type: 'strings',
      meaning: 'paths that it names, normalised: `/etc/shadow`; `~/notes` below a home that is not known',
    },
    { name: 'within', type: 'strings', meaning: 'these paths and every directory around them: `/etc`, `/`' },
    { name: 'names', type: 'strings', meaning: 'every name on these paths: `etc`, `shadow`, `.ssh`' },
    {
      name: 'extensions',
      type: 'strings',
      meaning: 'endings of their last names, in lower case: `pem`; `tar` and `gz`',
    },
    { name: 'reads', type: 'strings', meaning: 'paths that it certainly opens for reading' },
    { name: 'writes', type: 'strings', meaning: 'paths that it certainly writes, moves, removes or changes' },
    {
      name: 'open_flags',
      type: 'strings',
      meaning: '`read`, `write`, `append`, `create`, `truncate`, `exclusive`',
    },
    {
      name: 'transfer',
      type: 'string',
      meaning: 'files pass by `sftp`, `scp`, `rsync` or `git`; empty otherwise',
    },
    { name: 'recursive', type: 'boolean', meaning: 'a transfer of whole directories' },
    { name: 'subsystem', type: 'string', meaning: 'name of the subsystem' },
    { name: 'host', type: 'string', meaning: 'host that is connected to, or address that is listened on' },
    { name: 'port', type: 'number', meaning: 'its port; 0 where there is none or the target chooses' },
    { name: 'loopback', type: 'boolean', meaning: 'that host is the target itself' },
  ],
}
