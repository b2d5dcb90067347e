/** Raw contacts and sensors: bounce and noise included, cleaned up in `lighting`. */
export interface Button {
  /** Set by the owner; every edge, bounces too. `down` true when the contact closed. */
  onEdge: ((down: boolean, atMicros: number) => void) | undefined;
}

export interface Sensor {
  /** PIR output changed: true while motion is seen. */
  onMotion: ((motion: boolean, atMicros: number) => void) | undefined;
  /** A new illuminance reading in lux. */
  onLux: ((lux: number, atMicros: number) => void) | undefined;
}
