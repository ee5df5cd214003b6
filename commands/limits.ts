/** Of one device: commands that have not ended. Beyond, a new one is refused. */
export const openMax = 100
/** Of one device: commands that have ended. Beyond, the oldest go. */
export const finishedMax = 100
/** Of a payload, as JSON in UTF-8. */
export const payloadBytesMax = 16 * 1024
/** Arrays and objects in each other. */
export const payloadLevelsMax = 32
/** Of a response that is kept; of a longer one only its status counts. */
export const responseBytesMax = 16 * 1024
export const ttlMsDefault = 3_600_000
export const ttlMsMax = 30 * 86_400_000
