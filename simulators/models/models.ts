import { airHandler } from './air-handler.ts'
import { bin } from './bin.ts'
import { evCharger } from './ev-charger.ts'
import { fridge } from './fridge.ts'
import { heatPump } from './heat-pump.ts'
import type { DeviceModel } from './model.ts'
import { player } from './player.ts'
import { pvMeter } from './pv-meter.ts'
import { roomSensor } from './room-sensor.ts'
import { smartMeter } from './smart-meter.ts'
import { technician } from './technician.ts'
import { vibrationSensor } from './vibration-sensor.ts'
import { waterMeter } from './water-meter.ts'
import { wearable } from './wearable.ts'

/** Every kind of device that the simulator can make. */
export const models: readonly DeviceModel[] = [
  smartMeter,
  pvMeter,
  evCharger,
  heatPump,
  roomSensor,
  vibrationSensor,
  fridge,
  waterMeter,
  wearable,
  airHandler,
  player,
  technician,
  bin,
]

export function findModel(name: string): DeviceModel | undefined {
  return models.find((model) => model.name === name)
}
