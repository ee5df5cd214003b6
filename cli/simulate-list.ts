import { Command } from 'commander'
import { faultKinds } from '../simulators/faults/fault-kinds.ts'
import { models } from '../simulators/models/models.ts'
import { expected } from '../simulators/models/settings.ts'
import { loadScenario, shippedScenarios } from '../simulators/scenario.ts'

/** `tidemark simulate list` */
export function listCommand(): Command {
  return new Command('list')
    .description(
      'list the scenarios that can be run, the devices that can be simulated, and what can go wrong',
    )
    .option('--json', 'one JSON object on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  $ tidemark simulate list\n  $ tidemark simulate list --json\n\n' +
        'Scenarios are names for --scenario; devices are what a scenario calls `model`, with the `parameters` that it can\n' +
        'set; faults are its `kind`, with their class, their own parameters and the rules that should tell of them.\n',
    )
    .action(({ json }: { json?: boolean }) => {
      const all = { scenarios: scenarioLines(), devices: deviceLines(), faults: faultLines() }
      process.stdout.write(json ? `${JSON.stringify(all)}\n` : shown(all))
    })
}

function scenarioLines() {
  return shippedScenarios().map((file) => {
    const { name, description, length, speed, packs, fleet, faults, kills, pass } = loadScenario(file)
    return {
      name,
      description,
      devices: fleet.reduce((sum, { count }) => sum + count, 0),
      lengthMs: length,
      speed,
      packs,
      faults: [...new Set(faults.map(({ kind }) => kind))],
      kills,
      pass,
    }
  })
}

function deviceLines() {
  return models.map(({ name, type, description, intervalMs, faults, parameters }) => ({
    name,
    type,
    description,
    intervalMs,
    faults,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([parameter, { is, takes }]) => [
        parameter,
        takes === 'text' ? is : `${is} (${expected(takes)})`,
      ]),
    ),
  }))
}

function faultLines() {
  return Object.entries(faultKinds).map(([kind, { models: of, ...fault }]) => ({
    kind,
    ...fault,
    // Any device can have a fault of its sensor or on the way.
    models: of ?? [],
  }))
}

interface All {
  readonly scenarios: ReturnType<typeof scenarioLines>
  readonly devices: ReturnType<typeof deviceLines>
  readonly faults: ReturnType<typeof faultLines>
}

function shown({ scenarios, devices, faults }: All): string {
  let text = 'Scenarios\n'
  for (const one of scenarios) {
    text += line(one.name, `${one.description} (${one.devices} devices, ${spanOf(one.lengthMs)})`)
    if (one.faults.length > 0) text += more(`faults ${one.faults.join(', ')}`)
  }
  text += 'Devices\n'
  for (const one of devices) {
    const type = one.type === one.name ? '' : `, type ${one.type}`
    text += line(one.name, `${one.description} (every ${spanOf(one.intervalMs)}${type})`)
    if (one.faults.length > 0) text += more(`faults ${one.faults.join(', ')}`)
    for (const [name, is] of Object.entries(one.parameters)) text += more(`${name}: ${is}`)
  }
  for (const of of ['process', 'sensor', 'transport'] as const) {
    text += `Faults of class ${of}\n`
    for (const one of faults.filter((fault) => fault.class === of)) {
      text += line(one.kind, one.description)
      for (const [name, is] of Object.entries(one.parameters)) {
        text += more(`${name}: ${is.is}; else ${is.default}`)
      }
      if (one.expect.length > 0) text += more(`told by ${one.expect.join(', ')}`)
    }
  }
  return text
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(20)} ${text}\n`
}

function more(text: string): string {
  return `  ${''.padEnd(20)}   ${text}\n`
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** The duration in the largest unit that keeps it whole. */
function spanOf(ms: number): string {
  const [unit, size] = units.find(([, unitMs]) => ms % unitMs === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}
