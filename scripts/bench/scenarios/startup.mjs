import { node } from '../../setup.mjs'
import { ask } from '../ask.mjs'
import { startBackend } from '../backend.mjs'
import { until } from '../deadline.mjs'
import { cli, grants, ingressConfig, Mesh, productive, service } from '../mesh.mjs'
import { median, number, round } from '../numbers.mjs'
import { freePorts } from '../ports.mjs'

const times = { quick: 3, full: 7 }
const commandMs = 30_000
const firstMs = 60_000

/** How long a command takes to say its help, and an ingress that starts in a mesh that is up to its first answer. */
export async function startup(bench) {
  const { options, progress, workshop } = bench
  const count = options.turns ?? times[options.quick ? 'quick' : 'full']
  progress.step('starting a relay and an egress')
  const backend = await startBackend(bench)
  const mesh = await Mesh.found(workshop)
  await mesh.relay('relay')
  await mesh.egress('egress', { [service]: { backends: [backend] } })
  await mesh.ready()
  const helpMs = []
  const firstAnswerMs = []
  for (let time = 1; time <= count; time += 1) {
    progress.step(`start ${time} of ${count}`)
    helpMs.push(await timed(() => workshop.run(commandMs, node, [cli, '--help'], { env: productive() })))
    firstAnswerMs.push(await firstAnswer(mesh, `ingress-${time}`))
  }
  const data = { help_ms: summary(helpMs), first_answer_ms: summary(firstAnswerMs), times: count }
  return { data, block: block(data) }
}

/** From the start of an ingress that has never run before to its first answer from behind the mesh. */
async function firstAnswer(mesh, name) {
  await mesh.issue('ingress', name, grants([service]))
  const [port] = await freePorts(1)
  const settings = { listen: [{ url: `http://127.0.0.1:${port}` }], path: { relays: 1 } }
  let started
  const ms = await timed(async () => {
    started = mesh.launch(name, ingressConfig(settings))
    const answered = () =>
      ask({ hostname: '127.0.0.1', port, path: '/' }).then(
        ({ status }) => status === 200,
        () => false,
      )
    await Promise.race([until(firstMs, `the first answer of ${name}`, answered), started.died])
  })
  await started.stop()
  return ms
}

async function timed(act) {
  const startMs = performance.now()
  await act()
  return performance.now() - startMs
}

function summary(values) {
  return { median: round(median(values)), lowest: round(Math.min(...values)), highest: round(Math.max(...values)) }
}

function block(data) {
  const row = (title, { highest, lowest, median: middle }) => [
    title,
    ...[middle, lowest, highest].map((ms) => number(ms, 0)),
  ]
  return {
    title: 'Start-up',
    columns: ['what', 'median ms', 'lowest', 'highest'],
    rows: [
      row('postern --help', data.help_ms),
      row('postern up of an ingress, to its first answer', data.first_answer_ms),
    ],
    budget: [],
    notes: [`${data.times} times; the ingress is a new one each time, and relay and egress are up.`],
  }
}
