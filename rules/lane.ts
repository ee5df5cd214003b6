import type { HeldReadings } from './held-readings.ts'
import type { Instance } from './instance.ts'
import type { LaneLayout, Plan } from './lane-layout.ts'
import type { RangeTable } from './range-table.ts'
import type { ReadingShape } from './reading-input.ts'
import type { Windows } from './windows.ts'

/** What a lane has of each part of its layout. */
export interface LaneParts {
  readonly ranges: readonly RangeTable[]
  readonly instances: readonly Instance[]
  readonly windows: Windows
}

/** The rules of one device that have the same `wait`: they see the same readings in the same order. */
export class Lane {
  readonly waitMs: number
  readonly layout: LaneLayout
  readonly held: HeldReadings
  /** These are in the order of the layout. */
  readonly ranges: readonly RangeTable[]
  readonly instances: readonly Instance[]
  readonly windows: Windows
  /** Newest event time that the clock let go: what is older comes too late, though a reading of its device might not yet say so. */
  letGoTo: number
  /** Earliest event time at which the clock alone changes something. */
  nextDeadline = Number.POSITIVE_INFINITY

  constructor(
    waitMs: number,
    layout: LaneLayout,
    { ranges, instances, windows }: LaneParts,
    held: HeldReadings,
    letGoTo: number,
  ) {
    this.waitMs = waitMs
    this.layout = layout
    this.ranges = ranges
    this.instances = instances
    this.windows = windows
    this.held = held
    this.letGoTo = letGoTo
    this.updateDeadline()
  }

  /** Whether any of its rules runs on the clock. */
  get isClocked(): boolean {
    return this.layout.clocked.length > 0
  }

  updateDeadline(): void {
    let earliest = Number.POSITIVE_INFINITY
    for (const i of this.layout.clocked) earliest = Math.min(earliest, this.instances[i]!.deadline)
    this.nextDeadline = earliest
  }

  /** The clocked instance whose deadline comes first. */
  nextClocked(): Instance | undefined {
    let first: Instance | undefined
    for (const i of this.layout.clocked) {
      const instance = this.instances[i]!
      if (first === undefined || instance.deadline < first.deadline) first = instance
    }
    return first
  }

  plan(shape: ReadingShape): Plan {
    return this.layout.plan(shape)
  }

  /** Whether a reading of this shape has anything for the lane. */
  isReachedBy(shape: ReadingShape): boolean {
    const { ranges, instances, windows } = this.plan(shape)
    return ranges.length + instances.length + windows.length > 0
  }
}

/** Name under which the windows and held readings of a device's lane are kept. */
export function laneOwner(deviceId: string, waitMs: number): string {
  return `${deviceId} ${waitMs}`
}
