/**
 * A disagreement between a provider and this site's configuration, which retrying will not resolve. Its message is for
 * the operator and contains no secret.
 */
export class SetUpError extends Error {
  override readonly name: string = 'SetUpError'
}

/** Our client key supports none of the algorithms that the provider accepts. */
export class UnfitKey extends SetUpError {
  override readonly name = 'UnfitKey'
}
