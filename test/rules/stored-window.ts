import type { Stillness } from '../../rules/conditions/condition.ts'
import { SlidingWindow, WindowKind } from '../../rules/sliding-window.ts'

/** A window that is stored row by row, as the evaluator does. */
export class StoredWindow {
  window: SlidingWindow
  readonly kind: WindowKind
  readonly stored = new Map<number, Buffer>()

  constructor(lengthMs: number, readingsMax?: number, stillness?: Stillness) {
    this.kind = new WindowKind(lengthMs, readingsMax, stillness)
    this.window = new SlidingWindow(this.kind)
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
    this.window = SlidingWindow.load(this.kind, rows.reverse())
  }
}
