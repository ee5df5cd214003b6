import { expect, test } from 'vitest'
import { technician } from '../../../simulators/models/technician.ts'

const startMs = Date.UTC(2026, 5, 3)

test('a technician stays in the town and no faster than a car in it', () => {
  for (const id of ['technician-1', 'technician-2', 'technician-3']) {
    const one = technician.create(1, id)
    const positions = Array.from({ length: 1_440 }, (_, minute) => one.valuesAt(startMs + minute * 60_000))
    let travelledKm = 0
    for (const [i, { x_km: x, y_km: y }] of positions.entries()) {
      for (const km of [x, y] as number[]) {
        expect(km).toBeGreaterThanOrEqual(0)
        expect(km).toBeLessThanOrEqual(10)
      }
      const before = positions[i - 1]
      if (before === undefined) continue
      const stepKm = Math.hypot(
        (x as number) - (before.x_km as number),
        (y as number) - (before.y_km as number),
      )
      // 40 km/h.
      expect(stepKm).toBeLessThan(40 / 60)
      travelledKm += stepKm
    }
    expect(travelledKm).toBeGreaterThan(10)
  }
})
