import { airHandler } from './air-handler.ts'
import { fridge } from './fridge.ts'
import type { DeviceModel } from './model.ts'
import { roomSensor } from './room-sensor.ts'
import { smartMeter } from './smart-meter.ts'
import { vibrationSensor } from './vibration-sensor.ts'
import { waterMeter } from './water-meter.ts'
import { wearable } from './wearable.ts'

/** Every kind of device that the simulator can make. */
export const models: readonly DeviceModel[] = [
  smartMeter,
  roomSensor,
  vibrationSensor,
  fridge,
  waterMeter,
  wearable,
  airHandler,
]

export function findModel(name: string): DeviceModel | undefined {
  return models.find((model) => model.name === name)
}
