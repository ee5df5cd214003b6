import { SlidingWindow, WindowKind } from '../../rules/sliding-window.ts'

/** A window that is stored row by row, as the evaluator does. */
export class StoredWindow {
  window: SlidingWindow
  readonly lengthMs: number
  readonly readingsMax: number
  readonly stored = new Map<number, Buffer>()

  constructor(lengthMs: number, readingsMax = 100_000) {
    this.lengthMs = lengthMs
    this.readingsMax = readingsMax
    this.window = new SlidingWindow(new WindowKind(lengthMs, readingsMax))
  }

  save(): void {
    for (const { start, bytes } of this.window.takeDirty()) {
      if (bytes === undefined) this.stored.delete(start)
      else this.stored.set(start, bytes)
    }
  }

  saveAndLoad(): void {
    this.save()
    const rows = [...this.stored].map(([start, bytes]) => ({ start, bytes }))
    this.window = SlidingWindow.load(new WindowKind(this.lengthMs, this.readingsMax), rows.reverse())
  }
}
