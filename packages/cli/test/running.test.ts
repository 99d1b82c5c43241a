import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Ended, postern, running } from './process.ts'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'postern-running-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

interface Finding {
  readonly code: string
  readonly severity: string
  readonly cause: string
}

const run = (...words: readonly string[]): Promise<Ended> => postern(words, { cwd })

async function made(line: string): Promise<void> {
  const { code, stderr } = await run(...line.split(' '))
  assert.equal(code, 0, stderr)
}

async function issued(...words: readonly string[]): Promise<void> {
  await made('mesh create acme --dir authority')
  await made(`mesh issue --authority authority ${words.join(' ')}`)
}

/** What the doctor, and the node itself, say under a code. */
async function saidOf(code: string, config: string, ...more: readonly string[]) {
  const of = (found: readonly Finding[]) => found.filter((each) => each.code === code)
  const doctor = JSON.parse((await run('doctor', '--json', '--config', config, ...more)).stdout) as {
    findings: Finding[]
  }
  const status = JSON.parse((await run('status', '--json', '--config', config, ...more)).stdout) as {
    warnings: Finding[]
  }
  return { doctor: of(doctor.findings), status: of(status.warnings) }
}

const vector = (name: string) =>
  fileURLToPath(new URL(`../../egress/test/vectors/localhost-${name}.pem`, import.meta.url))

suite('what a running node says of itself', () => {
  for (const workers of [0, 2]) {
    test(`a certificate that was replaced and is not served yet is said, until the node is started again, with ${workers} workers`, async () => {
      await issued('--role ingress --service api --out door')
      const config = join('door', 'postern.yaml')
      const file = join(cwd, 'door', 'cert.pem')
      cpSync(vector('certificate'), file)
      cpSync(vector('key'), join(cwd, 'door', 'key.pem'))
      const listen = [
        '--set=ingress.listen=[{url: "https://127.0.0.1:0", tls: {cert: cert.pem, key: key.pem}}]',
        `--set=workers=${workers}`,
      ]
      const up = () => running(['up', '--config', config, ...listen], { cwd })
      const said = () => saidOf('CERTIFICATE_NOT_SERVED', config, ...listen)
      {
        await using _node = await up()
        assert.deepEqual(await said(), { doctor: [], status: [] })
        const certificate = readFileSync(file, 'utf8')
        writeFileSync(file, `${certificate}${certificate}`)
        for (const found of Object.values(await said())) {
          assert.equal(found.length, 1)
          assert.match(found[0]?.cause ?? '', /cert\.pem .*the file holds another/)
        }
        writeFileSync(file, 'nonsense')
        for (const found of Object.values(await said())) assert.match(found[0]?.cause ?? '', /PEM/)
        writeFileSync(file, `${certificate}${certificate}`)
      }
      await using _node = await up()
      assert.deepEqual(await said(), { doctor: [], status: [] })
    })
  }

  test('a config that is another by now is said with each value, and the settings of its command line are none', async () => {
    await issued('--role relay --out relay')
    const config = join('relay', 'postern.yaml')
    const file = join(cwd, config)
    const set = ['--set=relay.listen=[/ip4/127.0.0.1/tcp/0]', '--set=drainMs=5']
    await using _node = await running(['up', '--config', config, ...set], { cwd })
    const said = () => saidOf('CONFIG_CHANGED', config)
    assert.deepEqual(await said(), { doctor: [], status: [] })
    const before = readFileSync(file, 'utf8')
    writeFileSync(file, `${before}\nlog: { level: debug }\n`)
    for (const found of Object.values(await said())) {
      assert.equal(found.length, 1)
      assert.match(found[0]?.cause ?? '', /log\.level is "info" in the node, "debug" in the file$/)
    }
    writeFileSync(file, before)
    assert.deepEqual(await said(), { doctor: [], status: [] })

    cpSync(file, join(cwd, 'relay', 'other.yaml'))
    const other = await saidOf('CONFIG_CHANGED', join('relay', 'other.yaml'))
    assert.match(other.doctor[0]?.cause ?? '', /relay\/postern\.yaml, and .*relay\/other\.yaml was looked at/)
    assert.deepEqual(other.status, [])

    writeFileSync(file, 'relay: {')
    const socket = ['--socket', join('relay', 'state', 'admin.sock')]
    const { warnings } = JSON.parse((await run('status', '--json', ...socket)).stdout) as { warnings: Finding[] }
    const broken = warnings.find(({ code }) => code === 'CONFIG_CHANGED')
    assert.match(broken?.cause ?? '', /would not start with it/)
  })
})

suite('a relay that nobody can reach', () => {
  const reached = '--bootstrap /dns4/relay.example.net/tcp/4100'

  async function checked(...more: readonly string[]) {
    const { code, stdout } = await run('check', '--json', '--config', 'relay/postern.yaml', ...more)
    const { ok, warnings } = JSON.parse(stdout) as { ok: boolean; warnings: Finding[] }
    return { code, ok, found: warnings.map(({ code: named, severity }) => `${severity} ${named}`) }
  }

  test('has a starter config that listens where the mesh file says, and is right', async () => {
    await issued(`--role relay ${reached} --out relay`)
    assert.match(readFileSync(join(cwd, 'relay', 'postern.yaml'), 'utf8'), /listen: \[\/ip4\/0\.0\.0\.0\/tcp\/4100\]/)
    assert.deepEqual(await checked(), { code: 0, ok: true, found: [] })
  })

  test('is said to be one by check and the doctor where it listens at another port', async () => {
    await issued(`--role relay ${reached} --out relay`)
    const other = '--set=relay.listen=[/ip4/0.0.0.0/tcp/4001]'
    assert.deepEqual(await checked(other), { code: 1, ok: false, found: ['warning ADDRESS_UNHEARD'] })
    const people = await run('check', '--config', 'relay/postern.yaml', other)
    assert.match(people.stdout, /ADDRESS_UNHEARD .*\n.*relay\.example\.net\/tcp\/4100.*\n.*to do: /)
    assert.doesNotMatch(people.stdout, /is right/)
    const { stdout } = await run('doctor', '--json', '--config', 'relay/postern.yaml', other)
    const { findings } = JSON.parse(stdout) as { findings: Finding[] }
    assert.ok(findings.some(({ code }) => code === 'ADDRESS_UNHEARD'))
    // Where something forwards it, its operator says so.
    const announced = '--set=relay.announce=[/dns4/relay.example.net/tcp/4100]'
    assert.deepEqual(await checked(other, announced), { code: 0, ok: true, found: ['info ADDRESS_UNHEARD'] })
  })

  test('is said to be one while it runs, too', async () => {
    await issued(`--role relay ${reached} --out relay`)
    const set = '--set=relay.listen=[/ip4/127.0.0.1/tcp/0]'
    await using _node = await running(['up', '--config', 'relay/postern.yaml', set], { cwd })
    const { doctor, status } = await saidOf('ADDRESS_UNHEARD', join('relay', 'postern.yaml'))
    assert.deepEqual([doctor.length, status.length], [1, 1])
  })
})
