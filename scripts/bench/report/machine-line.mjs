/** What a result was measured on and when, and with what, in two lines. */
export function machineLines({ date, machine, versions }) {
  const tools = Object.entries(versions).map(([name, version]) => `${name === 'node' ? 'Node.js' : name} ${version}`)
  return [
    `${date.slice(0, 16).replace('T', ' ')} UTC; ${machine.cores} cores, ${machine.cpu}, Linux ${machine.kernel}, ` +
      `load ${machine.load.toFixed(2)} before${machine.busy ? ': others kept the machine busy' : ''}.`,
    `${tools.join(', ')}.`,
  ]
}
