/** Why a backend cannot be used here, in one line, with what would help. */
export class BackendMissing extends Error {
  constructor(
    reason: string,
    readonly remedy: string,
  ) {
    super(reason);
  }
}
