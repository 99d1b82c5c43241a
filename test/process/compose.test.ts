import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { eventually } from '@postern/test-kit'
import {
  compose,
  mountsOf,
  namesOf,
  networksOf,
  nodes,
  read,
  rolesOf,
  root,
  serviceOf,
  services,
  shareNetwork,
} from './compose/file.ts'
import { copied, ignored, image } from './compose/image.ts'
import { Machines } from './compose/machines.ts'

const sorted = (values: readonly string[]) => [...new Set(values)].toSorted()

test('the mesh is that of the demo: three relays, two egresses, an ingress, and the authority that renews them', () => {
  assert.deepEqual(namesOf('relay'), ['relay-1', 'relay-2', 'relay-3'])
  assert.deepEqual(namesOf('egress'), ['egress-1', 'egress-2'])
  assert.deepEqual(namesOf('ingress'), ['ingress'])
  assert.deepEqual(namesOf('authority'), ['authority'])
})

test('only the egresses share a network with the API', () => {
  const near = services.map(([name]) => name).filter((name) => name !== 'api' && shareNetwork(name, 'api'))
  assert.deepEqual(near, namesOf('egress'))
})

test('the API is on one network, and that leads nowhere', () => {
  assert.deepEqual(networksOf(serviceOf('api')), ['hidden'])
  assert.equal(compose.networks['hidden']?.internal, true)
})

test('the ingress alone has a port on the host, on the loopback address, and it is the one its config listens on', () => {
  const published = services.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]))
  assert.deepEqual(published, [['ingress', '127.0.0.1:8080:8080']])
  assert.deepEqual(
    nodes.get('ingress')?.ingress?.listen.map(({ url }) => url),
    ['http://0.0.0.0:8080'],
  )
})

test('the keys of the authority are where they are made, which no network reaches, and where they renew, which opens no port', () => {
  assert.deepEqual(networksOf(serviceOf('init')), [])
  const { networks, ports } = serviceOf('authority')
  assert.deepEqual([networks, ports, compose.networks['mesh']?.internal], [['mesh'], undefined, true])
  const holders = services.flatMap(([name, service]) =>
    mountsOf(service).flatMap(({ source, target }) => (source === 'authority-keys' ? [[name, target]] : [])),
  )
  assert.deepEqual(Object.fromEntries(holders), {
    init: '/authority',
    authority: nodes.get('authority')?.authority?.folder,
  })
})

test('the log of every container is limited', () => {
  for (const [name, { logging }] of services) {
    assert.match(logging?.options['max-size'] ?? '', /^\d+m$/, name)
    assert.match(logging?.options['max-file'] ?? '', /^\d+$/, name)
  }
})

test('the folder of a node is mounted at that node, and at init, which fills it', () => {
  for (const name of nodes.keys()) {
    const holders = services.flatMap(([holder, service]) =>
      mountsOf(service).flatMap(({ source, target }) => (source === name ? [[holder, target]] : [])),
    )
    assert.deepEqual(Object.fromEntries(holders), { init: `/nodes/${name}`, [name]: '/node' })
  }
})

test('every mount, network, volume and service that the file names is there, and none is left over', () => {
  const mounts = services.flatMap(([, service]) => mountsOf(service))
  for (const { isVolume, readOnly, source } of mounts) {
    if (isVolume) continue
    assert.ok(statSync(join(root, source)).isFile(), source)
    assert.ok(readOnly, `${source} can be written to`)
  }
  const volumes = mounts.filter(({ isVolume }) => isVolume).map(({ source }) => source)
  assert.deepEqual(sorted(volumes), sorted(Object.keys(compose.volumes)))
  assert.deepEqual(sorted(services.flatMap(([, each]) => networksOf(each))), sorted(Object.keys(compose.networks)))
  for (const [name, { depends_on: needs = {} }] of services) {
    for (const [other, { condition }] of Object.entries(needs)) {
      const { healthcheck, restart } = serviceOf(other)
      if (condition === 'service_healthy') assert.ok(healthcheck, `${name} waits for the health of ${other}`)
      else assert.equal(`${condition} ${restart ?? 'no'}`, 'service_completed_successfully no')
    }
  }
})

test('no service runs as root, gains a right, or can write to its root file system', () => {
  for (const [name, service] of services) {
    const user = service.user ?? (service.image === image.name ? image.user : 'root')
    assert.equal(user, 'node', name)
    assert.equal(service.read_only, true, name)
    assert.deepEqual(service.cap_drop, ['ALL'], name)
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name)
    assert.deepEqual([service.cap_add, service.privileged], [undefined, undefined], name)
  }
})

test('the image has the folders that volumes are mounted on, and they are the own of the user that runs', () => {
  const targets = services.flatMap(([, service]) => mountsOf(service).filter(({ isVolume }) => isVolume))
  assert.deepEqual(sorted(image.ownFolders), sorted(targets.map(({ target }) => target)))
  assert.equal(image.user, 'node')
})

test('the image is built from what it needs, and from no key that lies in the checkout', () => {
  const { references } = JSON.parse(read('tsconfig.json')) as { references: Array<{ path: string }> }
  const needed = [
    ...copied,
    'package.json',
    'tsconfig.json',
    'tsconfig.base.json',
    'packages/cli/bin/postern.mjs',
    ...references.flatMap(({ path }) => [`${path}/tsconfig.json`, `${path}/package.json`, `${path}/src/index.ts`]),
  ]
  for (const path of needed) assert.ok(!ignored(path), `${path} is left out`)
  const keys = ['authority.key', 'relay-1/mesh.secret', 'packages/node/state/node.key', 'packages/mesh.secret', 'a.pem']
  const ofThisMachine = ['.git/HEAD', 'node_modules/x', 'packages/cli/node_modules/x', 'packages/cli/dist/main.js']
  for (const path of [...keys, ...ofThisMachine]) assert.ok(ignored(path), `${path} gets in`)
})

interface Checked {
  readonly name: string
  readonly peer: string
}

interface Status {
  readonly relay?: { readonly addresses: readonly string[] }
  readonly ingress?: { readonly urls: readonly string[] }
}

suite('the mesh that init founds', () => {
  const machines = new Machines()
  const meshFile = (name: string) => join(machines.volume(name), 'mesh.json')
  const bootstrapOf = (name: string) =>
    (JSON.parse(readFileSync(meshFile(name), 'utf8')) as { bootstrap: readonly string[] }).bootstrap
  /** What `postern check` says of each node, with its folder and the config it is given. */
  const checked = new Map<string, Checked>()
  /** The relays that a node starts from, after a look at what each address says. */
  const startsFrom = (name: string) =>
    bootstrapOf(name).map((address) => {
      const [, host = '', port = '', peer] = /^\/dns4\/([^/]+)\/tcp\/(\d+)\/p2p\/(\w+)$/.exec(address) ?? []
      const relay = nodes.get(host)?.relay
      assert.deepEqual(relay?.listen, [`/ip4/0.0.0.0/tcp/${port}`], address)
      assert.deepEqual(relay?.announce, [`/dns4/${host}/tcp/${port}`], address)
      assert.equal(peer, checked.get(host)?.peer, address)
      assert.ok(shareNetwork(name, host), `${name} cannot reach ${host}`)
      return host
    })
  /** Runs the health check of every node: exit code 0 is healthy, 3 says that no node runs. */
  const healthsOf = () =>
    Promise.all(
      Array.from(nodes.keys(), async (name) => {
        const [kind, ...command] = serviceOf(name).healthcheck?.test ?? []
        const { exitCode, said } = await machines.run(name, command)
        return { name, kind, exitCode, said }
      }),
    )
  const healthsAre = async (expected: number) => {
    for (const { exitCode, kind, name, said } of await healthsOf())
      assert.deepEqual([kind, exitCode], ['CMD', expected], `${name}: ${said}`)
  }

  before(async () => {
    const { exitCode, said } = await machines.run('init', machines.command('init'))
    assert.equal(exitCode, 0, said)
    for (const name of nodes.keys()) {
      const { exitCode: wrong, said: what } = await machines.run(name, ['postern', 'check', '--json'])
      assert.equal(wrong, 0, what)
      checked.set(name, JSON.parse(what) as Checked)
    }
  })
  after(() => machines[Symbol.asyncDispose]())

  test('every node has a config that is right, and a credential with the name of its service for the roles in it', () => {
    for (const [name, config] of nodes) {
      assert.equal(checked.get(name)?.name, name)
      const [, claims = ''] = readFileSync(join(machines.volume(name), 'state', 'credential.jws'), 'utf8').split('.')
      const { roles } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { roles: readonly string[] }
      assert.deepEqual(roles, rolesOf(config))
    }
  })

  test('init that runs again leaves the mesh as it is', async () => {
    const all = ['authority-keys', ...nodes.keys()].map((name) => machines.volume(name))
    const contents = () =>
      all.flatMap((folder) =>
        readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), 'utf8')]),
      )
    const first = contents()
    assert.ok(first.length > all.length)
    const { exitCode, said } = await machines.run('init', machines.command('init'))
    assert.deepEqual([exitCode, said], [0, ''])
    assert.deepEqual(contents(), first)
  })

  test('nodes start from relays by the name of their service, on the port they listen on, over a network they share', () => {
    const relays = namesOf('relay')
    for (const [at, relay] of relays.entries()) assert.deepEqual(startsFrom(relay), relays.slice(0, at + 1))
    for (const name of [...namesOf('egress'), ...namesOf('ingress'), ...namesOf('authority')])
      assert.deepEqual(startsFrom(name), relays)
  })

  test('egresses find the API by the name of its service, on the port it is told to listen on', () => {
    for (const name of namesOf('egress')) {
      const backends = Object.values(nodes.get(name)?.egress?.services ?? {}).flatMap((each) => each.backends)
      assert.deepEqual(backends, [`http://api:${serviceOf('api').command?.at(-1) ?? ''}`])
    }
  })

  test('a container that is stopped is left the time that its node lets exchanges finish', async () => {
    const { said } = await machines.run('ingress', ['postern', 'check', '--schema'])
    const schema = JSON.parse(said) as { properties: { drainMs: { default: number } } }
    // What a node may take to stop its parts, once nothing is under way.
    const partsMs = 15_000
    for (const [name, { drainMs = schema.properties.drainMs.default }] of nodes) {
      const graceS = Number(/^(\d+)s$/.exec(serviceOf(name).stop_grace_period ?? '')?.[1])
      assert.ok(graceS * 1000 >= drainMs + partsMs, `${name} is killed after ${graceS} s`)
    }
  })

  test('its nodes, run with the commands and configs of the file, carry a request to the API', async () => {
    await healthsAre(3)
    // One machine has one of each port: where the file says a name and a port, the processes get a free port.
    const api = (await machines.start('api', [...machines.command('api').slice(0, -1), '0'])) as { port: number }
    const start = async (name: string, settings: Readonly<Record<string, string>>) =>
      (await machines.start(name, [...machines.command(name), '--json'], settings)) as Status
    for (const name of namesOf('relay')) {
      const { relay } = await start(name, {
        POSTERN_RELAY__LISTEN: '[/ip4/127.0.0.1/tcp/0]',
        POSTERN_RELAY__ANNOUNCE: '[]',
      })
      const [, place = ''] = /^(\/ip4\/127\.0\.0\.1\/tcp\/\d+)\//.exec(relay?.addresses[0] ?? '') ?? []
      for (const file of [...nodes.keys()].map(meshFile))
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll(new RegExp(`/dns4/${name}/tcp/\\d+`, 'g'), place))
    }
    for (const name of namesOf('egress'))
      await start(name, { POSTERN_EGRESS__SERVICES__API__BACKENDS: `[http://127.0.0.1:${api.port}]` })
    const { ingress } = await start('ingress', { POSTERN_INGRESS__LISTEN: '[{ url: http://127.0.0.1:0 }]' })

    let answer = ''
    await eventually('the API answers through the mesh', async () => {
      const response = await fetch(`${ingress?.urls[0] ?? ''}/orders?open=1`)
      answer = await response.text()
      return response.ok
    })
    const { message, url } = JSON.parse(answer) as { message: string; url: string }
    assert.deepEqual([message, url], ['Hello from behind the mesh.', '/orders?open=1'])
    const folder = machines.volume('authority-keys')
    await start('authority', { POSTERN_AUTHORITY__FOLDER: folder })
    await eventually('every node is well', async () => (await healthsOf()).every(({ exitCode }) => exitCode === 0))
    for (const name of nodes.keys()) {
      const { exitCode, said } = await machines.run(name, ['postern', 'renew', '--socket', 'state/admin.sock'])
      assert.equal(exitCode, 0, `${name}: ${said}`)
    }
    const { said } = await machines.run('authority', ['postern', 'mesh', 'list', '--json', '--authority', folder])
    const listed = (JSON.parse(said) as { nodes: Array<{ name: string; state: string; renewed?: string }> }).nodes
    assert.deepEqual(
      listed.map(({ name, renewed, state }) => [name, state, renewed !== undefined]),
      [...nodes.keys()].toSorted().map((name) => [name, 'member', true]),
    )
  })
})
