/** Something about the key of the system that a person has to set right. Its message has nothing of any key. */
export class SystemKeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SystemKeyError';
  }
}
