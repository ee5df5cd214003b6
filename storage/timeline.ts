import type { DeviceReading } from './reading-store.ts'

/** Pieces of readings, in any order, as whole readings by time and then by device. */
export function wholeReadings(pieces: DeviceReading[]): DeviceReading[] {
  pieces.sort((a, b) => a.time - b.time || (a.device < b.device ? -1 : a.device > b.device ? 1 : 0))
  const whole: DeviceReading[] = []
  for (const piece of pieces) {
    const last = whole.at(-1)
    if (last?.time === piece.time && last.device === piece.device) Object.assign(last.values, piece.values)
    else whole.push(piece)
  }
  return whole
}
