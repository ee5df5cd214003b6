import type { IConnectPacket } from 'mqtt-packet'
import type { Principal } from './rights.ts'
import type { Session } from './session.ts'

/** What is kept of a connection beside aedes' client, which has no place for it. */
export class Connection {
  readonly session: Session
  /** The peer's. */
  readonly address: string
  readonly certificateName: string | undefined
  /** From when it was read until it is judged. */
  connect: IConnectPacket | undefined
  /** Undefined before it is authenticated, and where it has no rights any more. */
  principal: Principal | undefined
  /** It was logged why this connection ends. */
  isLogged = false

  constructor(session: Session, address: string, certificateName: string | undefined) {
    this.session = session
    this.address = address
    this.certificateName = certificateName
  }
}
