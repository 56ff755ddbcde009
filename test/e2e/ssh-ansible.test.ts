import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { declareSshd, hasSshd, isInstalled, SshClient, startSshd } from '../world/openssh.ts'
import { run } from '../world/process.ts'
import { startSallyport, unrestricted } from '../world/sallyport.ts'

test.runIf(hasSshd && isInstalled('ansible-playbook') && isInstalled('sshpass'))(
  'an Ansible playbook runs through the gateway, with modules that it puts there, and again without a change',
  { timeout: 180_000 },
  async () => {
    await using server = await startSshd()
    await using sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declareSshd(sallyport, server)
    await sallyport.apply(unrestricted)
    const alice = await sallyport.person('alice', ['unrestricted'])
    const { configFile, environment } = await SshClient.of(sallyport, alice)
    const at = (name: string): string => join(sallyport.directory, name)
    const placed = join(server.directory, 'placed.conf')
    await writeFile(
      at('inventory'),
      `web ansible_host=gateway ansible_user=web ansible_password="{{ lookup('env', 'TOKEN') }}"\n`,
    )
    await writeFile(
      at('playbook.yaml'),
      `- hosts: web
  gather_facts: false
  tasks:
    - ping:
    - copy: { content: "by ansible\\n", dest: ${placed}, mode: '0640' }
    - command: test -s ${placed}
      changed_when: false
`,
    )
    const play = () =>
      run('ansible-playbook', ['-i', at('inventory'), at('playbook.yaml')], {
        environment: {
          PATH: environment['PATH'],
          TOKEN: alice.token,
          HOME: sallyport.directory,
          LC_ALL: 'C.UTF-8',
          ANSIBLE_SSH_ARGS: `-F ${configFile} -o ControlMaster=auto -o ControlPersist=20s`,
          ANSIBLE_SSH_CONTROL_PATH_DIR: at('cp'),
          ANSIBLE_NOCOLOR: '1',
        },
      })
    const first = await play()
    expect(first.stdout + first.stderr).toMatch(/web +: ok=3 +changed=1 +unreachable=0 +failed=0/)
    expect(await readFile(placed, 'utf8')).toBe('by ansible\n')
    expect((await stat(placed)).mode & 0o777).toBe(0o640)
    const second = await play()
    expect(second.stdout + second.stderr).toMatch(/web +: ok=3 +changed=0 +unreachable=0 +failed=0/)
  },
)
