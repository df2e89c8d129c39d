/** Collects the garbage of its thread while nobody waits. */
export class IdleCollection {
  constructor(mostBytes?: number);
  postpone(): void;
  cancel(): void;
}
