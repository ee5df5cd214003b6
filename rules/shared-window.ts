import type { WindowName } from './instance.ts'
import type { Kept } from './kept.ts'
import { SlidingWindow } from './sliding-window.ts'

/** A window that the rules of a lane share, or those of a member's condition. */
export interface SharedWindow {
  readonly metric: string
  readonly lengthMs: number
  readonly window: SlidingWindow
}

/** Which window it is among those of a device under one owner. */
export function windowKey(metric: string, lengthMs: number): string {
  return `${metric} ${lengthMs}`
}

/** A window with what is kept of it. */
export function loadWindow(name: WindowName, kept: Kept, readingsMax: number): SharedWindow {
  const { metric, lengthMs } = name
  return { metric, lengthMs, window: SlidingWindow.load(lengthMs, kept.window(name), readingsMax) }
}
