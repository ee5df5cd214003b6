import { type AlarmState, normalState } from '../../rules/alarm-machine.ts'
import type { HeldReading } from '../../rules/held-readings.ts'
import type { DeviceClock, Evaluation, WindowName } from '../../rules/instance.ts'
import type { Kept } from '../../rules/kept.ts'

/** What the log keeps for the evaluator, in memory: everything crosses as JSON or bytes, so that nothing is shared by mistake. */
export class KeptMemory implements Kept {
  /** How often a state was written. */
  statesWritten = 0
  readonly #states = new Map<string, string>()
  readonly #clocks = new Map<string, string>()
  readonly #held = new Map<string, string>()
  readonly #windows = new Map<string, Buffer>()

  write({ changed, clocks, windows, held, unneeded }: Evaluation): void {
    this.statesWritten += changed.size
    for (const { rule, device, kept } of changed)
      this.#states.set(`${rule.id}|${device.id}`, JSON.stringify({ ...normalState(), ...kept }))
    for (const [device, clock] of clocks) this.#clocks.set(device, JSON.stringify(clock))
    for (const name of unneeded.windows) dropPrefix(this.#windows, windowPrefix(name))
    for (const owner of unneeded.held) dropPrefix(this.#held, `${owner}|`)
    for (const { start, bytes, ...name } of windows) {
      const key = `${windowPrefix(name)}${start}`
      if (bytes === undefined) this.#windows.delete(key)
      else this.#windows.set(key, Buffer.from(bytes))
    }
    for (const { owner, time, device, reading } of held) {
      const key = `${owner}|${time}|${device}`
      if (reading === undefined) this.#held.delete(key)
      else this.#held.set(key, JSON.stringify(reading))
    }
  }

  instance(ruleId: string, deviceId: string): AlarmState | undefined {
    return parsed(this.#states.get(`${ruleId}|${deviceId}`))
  }

  clock(deviceId: string): DeviceClock | undefined {
    return parsed(this.#clocks.get(deviceId))
  }

  held(owner: string): readonly HeldReading[] {
    return [...this.#held].filter(([key]) => key.startsWith(`${owner}|`)).map(([, text]) => JSON.parse(text))
  }

  window(name: WindowName): readonly { readonly start: number; readonly bytes: Buffer }[] {
    const prefix = windowPrefix(name)
    return [...this.#windows]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, bytes]) => ({ start: Number(key.slice(prefix.length)), bytes }))
  }

  lanes(deviceId: string): { readonly windows: readonly WindowName[]; readonly held: readonly string[] } {
    const windows = [...this.#windows.keys()].filter((key) => key.startsWith(`${deviceId} `))
    const held = [...this.#held.keys()].filter((key) => key.startsWith(`${deviceId} `))
    return {
      windows: [...new Set(windows.map((key) => key.split('|').slice(0, 4).join('|')))].map((key) => {
        const [owner, device, metric, lengthMs] = key.split('|')
        return { owner: owner!, device: device!, metric: metric!, lengthMs: Number(lengthMs) }
      }),
      held: [...new Set(held.map((key) => key.split('|')[0]!))],
    }
  }

  /** Sizes of what is kept, by kind. */
  get sizes(): { states: number; windows: number; held: number } {
    return { states: this.#states.size, windows: this.#windows.size, held: this.#held.size }
  }

  get bytes(): number {
    const values = [this.#states, this.#clocks, this.#windows, this.#held].flatMap((map) => [...map.values()])
    return values.reduce((sum, { length }) => sum + length, 0)
  }
}

function windowPrefix({ owner, device, metric, lengthMs }: WindowName): string {
  return `${owner}|${device}|${metric}|${lengthMs}|`
}

function dropPrefix(map: Map<string, unknown>, prefix: string): void {
  for (const key of map.keys()) if (key.startsWith(prefix)) map.delete(key)
}

function parsed<V>(text: string | undefined): V | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as V)
}
