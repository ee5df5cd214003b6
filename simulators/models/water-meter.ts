import { randomAt } from '../../lib/prng.ts'
import { type DeviceModel, dayMs, hourOfDay, round, signalKey } from './model.ts'

const minuteMs = 60_000
const epochMs = Date.UTC(2020, 0, 1)
const litresPerDay = 130
const startHour = 6
const endHour = 23

/** A home without a leak: water by the minute from six to eleven at night, exactly none in between. */
export const waterMeter: DeviceModel = {
  type: 'water_meter',
  description: 'household water meter, no flow at night',
  intervalMs: 15 * minuteMs,
  create: (seed, id) => {
    const key = signalKey(seed, id, 'flow')
    const litresAt = (timeMs: number) => flowLitresPerMinute(key, Math.floor(timeMs / minuteMs))
    return {
      id,
      type: 'water_meter',
      valuesAt: (timeMs) => ({
        flow_l_h: round(litresAt(timeMs) * 60, 1),
        water_temperature_c: 12,
        battery_pct: 98,
        volume_m3: round(volumeLitres(key, timeMs) / 1000, 4),
      }),
    }
  },
}

function flowLitresPerMinute(key: number, minute: number): number {
  const hour = hourOfDay(minute * minuteMs)
  if (hour < startHour || hour >= endHour) return 0
  return randomAt(key, minute) < 0.06 ? 4 + 8 * randomAt(key, minute + 0x40000000) : 0
}

/** Whole days at their mean, so that the register needs no sum over years; within the day the minutes themselves. */
function volumeLitres(key: number, timeMs: number): number {
  const day = Math.floor((timeMs - epochMs) / dayMs)
  const firstMinute = Math.floor((epochMs + day * dayMs) / minuteMs)
  const lastMinute = Math.floor(timeMs / minuteMs)
  let today = 0
  for (let minute = firstMinute; minute <= lastMinute; minute++) today += flowLitresPerMinute(key, minute)
  // Never beyond the day's share: the register must not fall at midnight.
  return day * litresPerDay + Math.min(today, litresPerDay)
}
