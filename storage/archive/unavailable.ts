/** Too few slots answer in time; the client is told to come again (503 SlowDown), never that a thing does not exist. */
export class Unavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unavailable';
  }
}

/** More slots than the parity covers have no space left: coming again does not help. */
export class OutOfSpace extends Error {
  constructor() {
    super('the archive is full');
    this.name = 'OutOfSpace';
  }
}
